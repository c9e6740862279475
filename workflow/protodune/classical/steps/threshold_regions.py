"""Regions of interest by a threshold on the waveforms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protodune.classical.regions import noise_rms, threshold_regions
from protodune.classical.step import PlaneReadout, Step
from protodune.events.products import PlaneProduct


@dataclass(frozen=True)
class Settings:
    """``sigma``: threshold in multiples of the noise of each channel; ``min_adc``: at least this, ADC of the reference
    gain."""

    sigma: float = 4.0
    min_adc: float = 0.0


def find(state: PlaneProduct, readout: PlaneReadout, settings: Settings, workers: int) -> None:
    """Take for signal what exceeds a multiple of the channel's noise."""
    least = settings.min_adc * readout.plane.adc_scale
    threshold = np.maximum(settings.sigma * noise_rms(state["denoised"]), least)
    state["regions"] = threshold_regions(state["denoised"], threshold[:, None])


STEP = Step(run=find, settings=Settings)
