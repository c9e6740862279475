"""From charge back to waveforms."""

from __future__ import annotations

from dataclasses import dataclass

from protodune.classical.deconvolution import convolve
from protodune.classical.step import PlaneReadout, Step
from protodune.core.errors import ProtoduneError
from protodune.events.products import PlaneProduct


@dataclass(frozen=True)
class Settings:
    """This step has no settings."""


def reconvolve(state: PlaneProduct, readout: PlaneReadout, settings: Settings, workers: int) -> None:
    """Replace the waveforms by those that the charge would give."""
    if "charge" not in state:
        raise ProtoduneError("steps: 'reconvolve' needs charge; expected 'deconvolve' before it")
    state["denoised"] = convolve(state["charge"], readout.plane, workers)


STEP = Step(run=reconvolve, settings=Settings)
