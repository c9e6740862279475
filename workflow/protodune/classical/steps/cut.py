"""Set small values to zero."""

from __future__ import annotations

from dataclasses import dataclass

from protodune.classical.cut import apply_cut
from protodune.classical.step import PlaneReadout, Step
from protodune.events.products import PlaneProduct


@dataclass(frozen=True)
class Settings:
    """``size_adc``: values up to this size become zero; ADC of the reference gain."""

    size_adc: float = 0.0


def cut(state: PlaneProduct, readout: PlaneReadout, settings: Settings, workers: int) -> None:
    """Set values of at most ``size_adc`` to zero."""
    state["denoised"] = apply_cut(state["denoised"], settings.size_adc * readout.plane.adc_scale)


STEP = Step(run=cut, settings=Settings)
