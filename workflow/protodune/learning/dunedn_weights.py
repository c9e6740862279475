"""Weights that DUNEdn published (state dicts in ``.pth`` files) as networks of ours.

The module names are the same; what a file says is its architecture and width, told by names and shapes.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch

from protodune.core.errors import ProtoduneError
from protodune.core.files import require_file
from protodune.learning.registry import build_model

UNUSED = {"aa", "bb"}
"""Two constants in DUNEdn's state dicts that its forward pass does not need."""
_HINT = "expected a state dict as DUNEdn v2 saves it (CNN, GCNN or USCG-Net)"


@dataclass(frozen=True)
class Imported:
    """A network of ours with DUNEdn's weights, and its name and settings in the registry."""

    architecture: str
    network: dict
    model: torch.nn.Module


def import_weights(path: str | Path, task: str = "denoise") -> Imported:
    """Read a ``.pth`` file; the network computes what DUNEdn's does, with the defects that the weights were trained with.

    The file is a pickle of which torch executes nothing: only tensors and plain containers are rebuilt, anything else in it
    is refused.
    """
    state = {name: tensor for name, tensor in _read(path).items() if name not in UNUSED}
    architecture, network = _identify(path, state)
    model = build_model(architecture, network, task)
    wanted = model.state_dict()
    missing, unknown = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    other = [n for n in wanted.keys() & state.keys() if wanted[n].shape != state[n].shape]
    for what, names in (("lacks", missing), ("has unknown", unknown), ("has another shape of", sorted(other))):
        if names:
            raise ProtoduneError(
                f"{path}: looks like {architecture} but {what} '{names[0]}' (and {len(names) - 1} more); {_HINT}"
            )
    broken = [n for n, tensor in state.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise ProtoduneError(f"{path}: '{broken[0]}' holds NaN or infinity; download the file again")
    model.load_state_dict(state)
    return Imported(architecture, network, model.eval())


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
