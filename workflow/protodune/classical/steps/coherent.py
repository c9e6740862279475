"""Remove the noise that the channels of a front-end board share."""

from __future__ import annotations

from dataclasses import dataclass

from protodune.classical.coherent import remove_coherent_noise
from protodune.classical.step import PlaneReadout, Step
from protodune.events.products import PlaneProduct


@dataclass(frozen=True)
class Settings:
    """This step has no settings."""


def remove(state: PlaneProduct, readout: PlaneReadout, settings: Settings, workers: int) -> None:
    """Subtract the median of each board's channels."""
    state["denoised"] = remove_coherent_noise(state["denoised"], readout.plane, readout.bad)


STEP = Step(run=remove, settings=Settings)
