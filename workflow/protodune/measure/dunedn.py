"""DUNEdn's own metrics of one image, for its reproduction only (Rossi and Vallecorsa 2022, code DUNEdn v2).

They are kept as they are there, peculiarities included; ``protodune.measure.waveforms`` has those to compare methods by.
The losses of the same names, for batches of tensors, are those of the training (``learning.training``).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import correlate1d

from protodune.measure.waveforms import imae, mse

SSIM_WINDOW, SSIM_SIGMA, SSIM_CONSTANT = 11, 3.0, 1e-26
EPS = 2.2e-16


def dunedn_metrics(denoised: np.ndarray, clean: np.ndarray) -> dict[str, float]:
    """Return ``ssim`` (constants of 1e-26, which test for exact zeros rather than structure), ``psnr`` (peak of the clean
    image), ``mse`` and ``imae`` of one image, float (channels, ticks), ADC."""
    peak, error = float(clean.max()), mse(denoised, clean)
    return {
        "ssim": stat_ssim(denoised, clean),
        "psnr": 10 * math.log10(peak**2 / (error + EPS)) if peak != 0 else 0.0,
        "mse": error,
        "imae": imae(denoised, clean),
    }


def above(waveforms: np.ndarray, cut_adc: float) -> np.ndarray:
    """Return the waveforms with DUNEdn's cut: |values| <= ``cut_adc`` become zero, none for 0; same shape and dtype."""
    return np.where(np.abs(waveforms) > cut_adc, waveforms, 0).astype(waveforms.dtype) if cut_adc > 0 else waveforms


def stat_ssim(denoised: np.ndarray, clean: np.ndarray) -> float:
    """DUNEdn's structural similarity: both images scaled to [0, 1] by their common extremes, Gaussian window of 11 pixels
    with sigma 3, beyond the edges the image's mean, variances about the map of local means; NaN if both are constant."""
    low, high = min(denoised.min(), clean.min()), max(denoised.max(), clean.max())
    if low == high:
        return math.nan
    x, y = ((image.astype(np.float64) - low) / (high - low) for image in (denoised, clean))
    mean_x, mean_y = _blur(x), _blur(y)
    off_x, off_y = x - mean_x, y - mean_y
    var_x, var_y, covariance = _blur(off_x * off_x), _blur(off_y * off_y), _blur(off_x * off_y)
    c = SSIM_CONSTANT
    means = (2 * mean_x * mean_y + c) / (mean_x**2 + mean_y**2 + c)
    return float((means * (2 * covariance + c) / (var_x + var_y + c)).mean())


def _blur(image: np.ndarray) -> np.ndarray:
    place = np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2
    weight = np.exp(-(place**2) / (2 * SSIM_SIGMA**2))
    weight /= weight.sum()
    outside = float(image.mean())
    # Padded with the mean in both directions at once, then along one axis after the other.
    padded = np.pad(image, SSIM_WINDOW // 2, constant_values=outside)
    half = slice(SSIM_WINDOW // 2, -(SSIM_WINDOW // 2))
    return correlate1d(correlate1d(padded, weight, axis=0)[half], weight, axis=1)[:, half]
