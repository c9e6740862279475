"""The networks that clean files and arrays: one per family of planes, by default the shipped U-Net."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from protodune.core.files import require_file
from protodune.detector.model import FAMILIES
from protodune.learning.method import NetworkSettings, TrainedMethod, load_method

ZOO = Path(__file__).resolve().parents[3] / "zoo"
UNET = str(ZOO / "unet.{family}.safetensors")
"""Weights that are shipped, ``{family}`` to be filled in."""
TASK = "denoise"


@lru_cache(maxsize=4)
def load_methods(
    weights: str = UNET, runtime: str = "auto", precision: str = "auto", threads: int = 1
) -> dict[str, TrainedMethod]:
    """Load the networks for the task ``denoise`` by family; ``weights`` with ``{family}`` in the path.  Kept for the next
    call."""
    settings = NetworkSettings(TASK, runtime=runtime, precision=precision)
    paths = {family: weights.replace("{family}", family) for family in FAMILIES}
    for family, path in paths.items():
        require_file(path, f"weights for {family} planes", "give other weights")
    return {family: load_method(settings, family, path, threads) for family, path in paths.items()}


def name_of(weights: str) -> str:
    """Return the name of the method: that of the file of weights up to its first dot."""
    return Path(weights).name.split(".")[0]
