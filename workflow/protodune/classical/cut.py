"""The cut that ends a denoising chain."""

from __future__ import annotations

import numpy as np


def apply_cut(waveforms: np.ndarray, size_adc: float) -> np.ndarray:
    """Return the waveforms with values of at most ``size_adc`` in size set to zero; same shape and dtype."""
    return np.where(np.abs(waveforms) > size_adc, waveforms, 0).astype(waveforms.dtype) if size_adc > 0 else waveforms
