"""What counts as a region of interest, in truth and in a method's scores."""

from __future__ import annotations

import numpy as np

ROI_REBIN_TICKS = 10
ROI_TRUTH_ELECTRONS = 100.0
"""Ten ticks belong to the signal if more than 100 electrons a tick reached the wire in them (DNNROI, arXiv:2007.12743)."""

LABEL_ADC = 3.5
"""DUNEdn's label: a sample of the noise-free waveform of this size is signal; also its cut on denoised waveforms."""


def rebinned(image: np.ndarray, size: int = ROI_REBIN_TICKS) -> np.ndarray:
    """Return means over ten (``size``) ticks, what is left over at the end dropped; float (channels, ticks // size)."""
    ticks = image.shape[1] // size * size
    return image[:, :ticks].reshape(len(image), -1, size).mean(axis=2)


def roi_truth(charge: np.ndarray) -> np.ndarray:
    """Return which pixels of ten ticks hold signal, bool (channels, ticks // 10), from charge in electrons a tick."""
    return rebinned(charge) > ROI_TRUTH_ELECTRONS


def roi_found(score: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Return which pixels of ten ticks a method takes for signal: mean score of at least ``threshold``; bool (channels,
    ticks // 10)."""
    return rebinned(score) >= threshold
