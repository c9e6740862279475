"""What counts as a region of interest, in the truth and in a method's scores."""

from __future__ import annotations

import numpy as np

REGION_REBIN_TICKS = 10
REGION_TRUTH_ELECTRONS = 100.0
"""Ten ticks belong to the signal if more than 100 electrons per tick reached the wire in them (DNNROI, arXiv:2007.12743)."""

LABEL_ADC = 3.5
"""DUNEdn's label: a value of the noise-free waveform of this size is signal; also its cut on denoised waveforms.  ADC of the
reference gain (``Plane.adc_scale``)."""


def rebinned(image: np.ndarray, size: int = REGION_REBIN_TICKS) -> np.ndarray:
    """Return means over ten (``size``) ticks, what is left over at the end dropped; float (channels, ticks // size)."""
    ticks = image.shape[1] // size * size
    return image[:, :ticks].reshape(len(image), -1, size).mean(axis=2)


def region_truth(charge: np.ndarray) -> np.ndarray:
    """Return which pixels of ten ticks hold signal, bool (channels, ticks // 10), from charge in electrons per tick."""
    return rebinned(charge) > REGION_TRUTH_ELECTRONS


def region_ticks(score: np.ndarray, threshold: float) -> np.ndarray:
    """Return which ticks a method takes for signal: score of at least ``threshold``; bool (channels, ticks)."""
    return score >= threshold


def region_found(score: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Return which pixels of ten ticks a method takes for signal: mean score of at least ``threshold``; bool (channels,
    ticks // 10)."""
    return rebinned(score) >= threshold
