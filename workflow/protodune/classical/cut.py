"""The cut that ends a denoising chain."""

from __future__ import annotations

import numpy as np


def apply_cut(waveforms: np.ndarray, cut_adc: float) -> np.ndarray:
    """Return the waveforms with |samples| <= ``cut_adc`` set to zero; same shape and dtype."""
    return np.where(np.abs(waveforms) > cut_adc, waveforms, 0).astype(waveforms.dtype) if cut_adc > 0 else waveforms
