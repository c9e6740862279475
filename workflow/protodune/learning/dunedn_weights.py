"""Weights that DUNEdn published (state dicts in ``.pth`` files) as networks of ours.

The module names are the same; names and shapes of a file's tensors say which network it is and how wide.
"""

from __future__ import annotations

import logging
import zipfile
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch

from protodune.core.errors import ProtoduneError
from protodune.core.files import checksum, require_file
from protodune.core.provenance import versions
from protodune.learning.network import Network, build_network, count_parameters
from protodune.learning.weights import save_weights

UNUSED = {"aa", "bb"}
"""Two constants in DUNEdn's state dicts that its forward pass does not need."""
_HINT = "expected a state dict as DUNEdn v2 saves it (CNN, GCNN or USCG-Net)"


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Imported:
    """A network of ours with DUNEdn's weights, and its settings."""

    network: Network
    settings: dict


def import_weights(path: str | Path, task: str = "denoise") -> Imported:
    """Read a ``.pth`` file; the network computes what DUNEdn's does, with the defects that the weights were trained with.

    The file is a pickle of which torch executes nothing: only tensors and plain containers are rebuilt, anything else in it
    is refused.
    """
    state = {name: tensor for name, tensor in _read(path).items() if name not in UNUSED}
    name, settings = _identify(path, state)
    network = build_network(name, settings, task)
    wanted = network.module.state_dict()
    missing, unknown = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    other = [n for n in wanted.keys() & state.keys() if wanted[n].shape != state[n].shape]
    for what, those in (("lacks", missing), ("has unknown", unknown), ("has another shape of", sorted(other))):
        if those:
            raise ProtoduneError(f"{path}: looks like {name} but {what} '{those[0]}' (and {len(those) - 1} more); {_HINT}")
    broken = [n for n, tensor in state.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise ProtoduneError(f"{path}: '{broken[0]}' holds NaN or infinity; download the file again")
    network.module.load_state_dict(state)
    network.module.eval()
    return Imported(network, settings)


def write_imported(source: str, family: str, task: str, step: str, output: str) -> None:
    """Read a ``.pth`` file that was trained for a family of planes and a task; write it as weights of ours with all that is
    known of it."""
    found = import_weights(source, task)
    name, module = found.network.name, found.network.module
    about = {
        "task": task,
        "step": step,
        "model": f"dunedn_{name}",
        "network": name,
        "network_settings": found.settings,
        "family": family,
        "trial": "imported",
        "parameters": count_parameters(module),
        "imported": {"file": Path(source).name, "sha256": checksum(source)},
        "versions": versions("torch"),
    }
    save_weights(output, module, about)
    log.info("%s: %s %s, %d parameters, to %s", source, name, found.settings, about["parameters"], output)


def _read(path: str | Path) -> dict[str, torch.Tensor]:
    require_file(path, "a .pth file of DUNEdn's", "download it from Zenodo (10.5281/zenodo.6599305)")
    if Path(path).stat().st_size < 1000 and Path(path).read_bytes().startswith(b"version https://git-lfs"):
        raise ProtoduneError(f"{path}: a Git LFS pointer, not the weights; fetch the file itself (git lfs pull, or Zenodo)")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise ProtoduneError(f"{path}: cannot be read as weights ({reason}); {_HINT}") from None
    for key in ("state_dict", "model_state_dict"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(v, torch.Tensor) for v in content.values()):
        raise ProtoduneError(f"{path}: found {type(content).__name__} that is no state dict; {_HINT}")
    return {str(name).removeprefix("module."): tensor for name, tensor in content.items()}  # module.: data parallel


def _identify(path: str | Path, state: dict[str, torch.Tensor]) -> tuple[str, dict]:
    first = state.get("roi.pre_process_block.convs.0.weight")
    if first is not None:
        width = {"width": first.shape[0]}
        return ("gcnn", {**width, "mask": "dunedn"}) if any(".nla." in name for name in state) else ("cnn", width)
    if "scg.mu.0.weight" in state:
        return "uscg", {"dunedn": True}
    raise ProtoduneError(f"{path}: found tensors such as '{next(iter(state), '')}'; {_HINT}")
