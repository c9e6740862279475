"""Low-pass filter at 400 kHz."""

from __future__ import annotations

from dataclasses import dataclass

from protodune.classical.coherent import low_pass
from protodune.classical.step import PlaneReadout, Step
from protodune.events.products import PlaneProduct


@dataclass(frozen=True)
class Settings:
    """This step has no settings."""


def filter_waveforms(state: PlaneProduct, readout: PlaneReadout, settings: Settings, workers: int) -> None:
    """Filter the waveforms."""
    state["denoised"] = low_pass(state["denoised"], readout.plane, workers)


STEP = Step(run=filter_waveforms, settings=Settings)
