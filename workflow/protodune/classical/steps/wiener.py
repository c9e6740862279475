"""Adaptive Wiener filter of the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter

from protodune.classical.step import PlaneReadout, Step
from protodune.events.products import PlaneProduct


@dataclass(frozen=True)
class Settings:
    """``size`` of the window in pixels."""

    size: int = 5


def wiener(waveforms: np.ndarray, size: int) -> np.ndarray:
    """Return the waveforms after the adaptive Wiener filter in windows of ``size`` x ``size`` pixels (Lim, 1990): towards
    the local mean where the local variance is that of the noise, which is the median of the local variances."""
    mean = uniform_filter(waveforms, size, mode="reflect")
    variance = np.maximum(uniform_filter(waveforms**2, size, mode="reflect") - mean**2, 0)
    noise = np.median(variance[:: max(1, len(variance) // 100)])
    gain = np.maximum(variance - noise, 0) / np.maximum(np.maximum(variance, noise), 1e-12)
    return (mean + gain * (waveforms - mean)).astype(np.float32)


def run(state: PlaneProduct, readout: PlaneReadout, settings: Settings, workers: int) -> None:
    """Filter the waveforms."""
    state["denoised"] = wiener(state["denoised"], settings.size)


STEP = Step(run=run, settings=Settings)
