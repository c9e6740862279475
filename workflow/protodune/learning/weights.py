"""Weights for use: safetensors files that describe themselves; nothing is ever unpickled."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from protodune.core.errors import ProtoduneError
from protodune.core.files import atomic_path, require_file
from protodune.learning.network import Network, build_network

FORMAT = "protodune-weights"
FORMAT_VERSION = 2
REBUILT_FROM = {"task": str, "network": str, "network_settings": dict}
"""What the metadata must hold to build the network again, and of what type."""


def save_weights(path: str | Path, module: torch.nn.Module, about: dict) -> None:
    """Write the weights with ``about`` (task, step, network, network_settings, family, ...) as safetensors metadata."""
    text = json.dumps({**about, "format": FORMAT, "format_version": FORMAT_VERSION}, sort_keys=True)
    state = {k: v.detach().cpu().contiguous() for k, v in module.state_dict().items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(state, metadata={"protodune": text}))


def load_weights(path: str | Path, expected: dict[str, str | None] | None = None) -> tuple[Network, dict]:
    """Rebuild a network from a weights file; returns it in evaluation mode with the file's ``about``.

    ``expected``: values that ``about`` must have, None for any (for instance family: collection); the error names both.
    """
    require_file(path, "a weights file", "run the stage 'train'")
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("protodune", "{}"))
            about = about if isinstance(about, dict) else {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a mapping)
    except (SafetensorError, OSError, ValueError, RecursionError):
        raise ProtoduneError(f"{path}: not a safetensors file, expected protodune weights; train the model again") from None
    if not isinstance(about, dict):
        about = {}
    found = (about.get("format"), about.get("format_version"))
    if found != (FORMAT, FORMAT_VERSION):
        raise ProtoduneError(
            f"{path}: found format {found[0]} version {found[1]}, expected {FORMAT} version {FORMAT_VERSION}; "
            "train the model again, or take the shipped weights of this version of protodune"
        )
    lacking = [key for key, kind in REBUILT_FROM.items() if not isinstance(about.get(key), kind)]
    if lacking:
        raise ProtoduneError(
            f"{path}: its metadata lack {', '.join(lacking)}, expected all from which the network is built again; train the "
            "model again"
        )
    for key, value in (expected or {}).items():
        if value is not None and about.get(key) != value:
            raise ProtoduneError(
                f"{path}: weights of {key} '{about.get(key)}', expected '{value}'; give the weights that were trained for it"
            )
    network = build_network(about["network"], about["network_settings"], about["task"])
    try:
        network.module.load_state_dict(state)
    except RuntimeError as error:
        detail = str(error).splitlines()[-1].strip()
        raise ProtoduneError(
            f"{path}: tensors do not fit the network '{about['network']}' ({detail}); train the model again"
        ) from None
    network.module.eval()
    return network, about
