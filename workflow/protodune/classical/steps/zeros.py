"""Take everything for noise: the baseline of all comparisons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protodune.classical.step import PlaneReadout, Step
from protodune.events.products import PlaneProduct


@dataclass(frozen=True)
class Settings:
    """This step has no settings."""


def clear(state: PlaneProduct, readout: PlaneReadout, settings: Settings, workers: int) -> None:
    """Set all waveforms to zero."""
    state["denoised"] = np.zeros_like(state["denoised"])


STEP = Step(run=clear, settings=Settings)
