"""What a runtime is, and the files that those which do not take torch modules need."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch

from protodune.core.cache import cache_folder
from protodune.core.errors import ProtoduneError
from protodune.core.files import atomic_path, checksum, int8_path
from protodune.core.registry import load, names
from protodune.learning.network import Network

PACKAGE = "protodune.learning.runtimes"
FULL, INT8 = "float32", "int8"
HALVES = ("bfloat16", "float16")
INPUT, OUTPUT = "features", "images"
ABOUT = "protodune"
"""Key of the metadata of an INT8 file."""
OPSET = 18


@dataclass(frozen=True)
class Model:
    """A network on its device, ready for inference, with the file of its weights (None: it has none)."""

    network: Network
    weights: str | None = None

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.network.module.parameters()).device


@dataclass(frozen=True)
class Executor:
    """A network that was made ready: ``call`` maps features, float32 (batch, n_features, channels, pixels), to its images,
    float32 (batch, sum of the outputs' channels, channels, pixels), and may be called by several threads at once;
    ``bytes_per_pixel`` of its activations, and how many MB of them a plane may need at a time on a CPU."""

    call: Callable[[np.ndarray], np.ndarray | torch.Tensor]
    bytes_per_pixel: float
    memory_mb: int = 400


@dataclass(frozen=True)
class Runtime:
    """``missing`` says why it is not to be had on this machine, or None; ``precisions`` that it has for a model here, the
    fastest first; ``load`` (model, precision, threads of a plane, planes at the same time) makes a network ready."""

    missing: Callable[[], str | None]
    precisions: Callable[[Model], tuple[str, ...]]
    load: Callable[[Model, str, int, int], Executor]


def find_runtime(name: str) -> Runtime:
    """Return the runtime of this name: one of ``learning.runtimes``, or of a module of your own (``package.module``)."""
    return load(PACKAGE, name, "RUNTIME", Runtime, "runtime")


def runtime_names() -> tuple[str, ...]:
    """The runtimes that come with the package, sorted."""
    return tuple(names(PACKAGE))


def not_installed(package: str) -> str | None:
    """Return what to do if a Python package is not installed, else None."""
    try:
        version(package)
    except PackageNotFoundError:
        return f"{package} is not installed (pip install {package})"
    return None


def half_of(device: torch.device) -> str | None:
    """Return the half precision that a device computes in faster than in float32, or None."""
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    has = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return "bfloat16" if has.get("avx512_bf16") or has.get("amx_bf16") else None


def int8_about(model: Model) -> dict | None:
    """Return what the INT8 file of a model says of itself, or None if there is no such file; a ProtoduneError if it belongs
    to other weights, or if it was found to be too far from float32."""
    path = int8_path(model.weights) if model.weights else None
    if path is None or not path.is_file():
        return None
    import onnx

    hint = "make it again (docs/models.md, section INT8)"
    try:
        said = {entry.key: entry.value for entry in onnx.load(str(path)).metadata_props}
        about = json.loads(said[ABOUT])
        wanted, problem = about["weights_sha256"], about["problem"]
    except Exception:  # protobuf raises kinds of its own for a damaged file
        raise ProtoduneError(f"{path}: not an INT8 network of protodune; {hint}") from None
    if wanted != checksum(model.weights):
        raise ProtoduneError(f"{path}: made from other weights than {model.weights} are; {hint}")
    if problem:
        raise ProtoduneError(f"{path}: {problem}; use another precision, or {hint}")
    return about


def onnx_file(model: Model) -> Path:
    """Return the network as ONNX in float32; of weights in a file it is kept for the next time."""
    if model.weights is None:
        raise ProtoduneError("network: it has no weights in a file, which this runtime needs; use the runtime torch")
    name = f"{checksum(model.weights)[:32]}.{version('torch').split('+')[0]}.onnx"
    path = cache_folder() / "onnx" / name
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_network(model.network, path)
    return path


def write_network(network: Network, path: str | Path) -> None:
    """Write the module of a network as ONNX, from ``features`` to ``images``, for any number and size of them."""
    rows, pixels = network.module.multiple
    example = torch.zeros(2, len(network.features.names), 6 * rows, 6 * pixels)
    dim = torch.export.Dim
    shapes: tuple[Mapping] = ({0: dim("batch"), 2: rows * dim("rows"), 3: pixels * dim("pixels")},)
    with atomic_path(path) as temporary, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        for name in ("onnxscript", "onnx_ir", "torch.onnx"):
            logging.getLogger(name).setLevel(logging.ERROR)  # they tell every node that they simplify
        program = torch.onnx.export(
            network.module.eval(), (example,), input_names=[INPUT], output_names=[OUTPUT], dynamic_shapes=shapes,
            opset_version=OPSET, dynamo=True, verbose=False,
        )  # fmt: skip
        program.save(str(temporary))
