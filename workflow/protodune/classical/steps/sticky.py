"""Mend sticky codes; the first step, for it looks at the codes as they were read."""

from __future__ import annotations

from dataclasses import dataclass

from protodune.classical.step import PlaneReadout, Step
from protodune.classical.sticky import mend_sticky_codes
from protodune.events.products import PlaneProduct


@dataclass(frozen=True)
class Settings:
    """This step has no settings."""


def mend(state: PlaneProduct, readout: PlaneReadout, settings: Settings, workers: int) -> None:
    """Interpolate sticky codes between good ones."""
    state["denoised"] = mend_sticky_codes(state["denoised"], readout.adc, readout.bad, readout.plane)


STEP = Step(run=mend, settings=Settings)
