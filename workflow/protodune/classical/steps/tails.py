"""Remove the undershoot that the AC coupling leaves after large pulses."""

from __future__ import annotations

from dataclasses import dataclass

from protodune.classical.step import PlaneReadout, Step
from protodune.classical.tails import restore_baseline
from protodune.events.products import PlaneProduct


@dataclass(frozen=True)
class Settings:
    """This step has no settings."""


def remove(state: PlaneProduct, readout: PlaneReadout, settings: Settings, workers: int) -> None:
    """Remove tails where the plane has any."""
    state["denoised"] = restore_baseline(state["denoised"], readout.plane)


STEP = Step(run=remove, settings=Settings)
