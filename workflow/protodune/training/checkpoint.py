"""Weights for use (safetensors, self-describing) and rolling checkpoints for resuming; nothing is ever unpickled."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from protodune.errors import ProtoduneError
from protodune.files import atomic_path, require_file
from protodune.models.registry import build_model

FORMAT = "protodune-weights"
FORMAT_VERSION = 1
KEPT_CHECKPOINTS = 2

log = logging.getLogger(__name__)


def save_weights(path: str | Path, model: torch.nn.Module, about: dict) -> None:
    """Write the weights with ``about`` (architecture, network settings, task, family, ...) as safetensors metadata."""
    text = json.dumps({"format": FORMAT, "format_version": FORMAT_VERSION, **about}, sort_keys=True)
    state = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(state, metadata={"protodune": text}))


def load_weights(path: str | Path, expected: dict[str, str | None] | None = None) -> tuple[torch.nn.Module, dict]:
    """Rebuild a network from a weights file; returns it in eval mode with the file's ``about``.

    ``expected``: values that ``about`` must have, None for any (for instance family: collection); the error names both.
    """
    require_file(path, "a weights file", "run the stage 'train'")
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("protodune", "{}"))
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a mapping)
    except (SafetensorError, OSError, json.JSONDecodeError):
        raise ProtoduneError(f"{path}: not a safetensors file, expected protodune weights; train the model again") from None
    found = (about.get("format"), about.get("format_version"))
    if found != (FORMAT, FORMAT_VERSION):
        raise ProtoduneError(
            f"{path}: found format {found[0]} version {found[1]}, expected {FORMAT} version {FORMAT_VERSION}; "
            "train the model again"
        )
    for key, value in (expected or {}).items():
        if value is not None and about.get(key) != value:
            raise ProtoduneError(
                f"{path}: weights of {key} '{about.get(key)}', expected '{value}'; give the weights that were trained for it"
            )
    model = build_model(about["architecture"], about["network"], about["task"])
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        detail = str(error).splitlines()[-1].strip()
        raise ProtoduneError(
            f"{path}: tensors do not fit architecture '{about['architecture']}' ({detail}); train the model again"
        ) from None
    return model.eval(), about


class RollingCheckpoints:
    """Checkpoints in a folder of their own, which the workflow does not delete; the last two are kept.

    Only a checkpoint with the same ``fingerprint`` (settings, data, code) is resumed.
    """

    def __init__(self, folder: str | Path | None, fingerprint: str):
        self._folder = Path(folder) if folder else None
        self._fingerprint = fingerprint

    def save(self, epoch: int, state: dict) -> None:
        """Write the state after ``epoch`` epochs, then remove all but the last two."""
        if self._folder is None:
            return
        with atomic_path(self._folder / f"epoch-{epoch:05d}.pt") as temporary:
            torch.save({"fingerprint": self._fingerprint, "epoch": epoch, **state}, temporary)
        for old in sorted(self._folder.glob("epoch-*.pt"))[:-KEPT_CHECKPOINTS]:
            old.unlink()

    def latest(self) -> dict | None:
        """Return the newest state that can be read and has this fingerprint, or None."""
        if self._folder is None:
            return None
        for path in sorted(self._folder.glob("epoch-*.pt"), reverse=True):
            try:
                state = torch.load(path, weights_only=True, map_location="cpu")
            except Exception as error:  # torch raises many kinds for a torn file
                log.warning("%s: cannot be read (%s), trying the one before", path, type(error).__name__)
                continue
            if state.get("fingerprint") == self._fingerprint:
                return state
            log.info("%s: of other settings, data or code; not resumed", path)
        return None

    def clear(self) -> None:
        """Remove the checkpoints of a finished training."""
        if self._folder is not None:
            for path in self._folder.glob("epoch-*.pt"):
                path.unlink()
            if self._folder.is_dir() and not any(self._folder.iterdir()):
                self._folder.rmdir()
