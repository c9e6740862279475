"""How well a denoised image agrees with the noise-free one.  All images float (channels, ticks), ADC."""

from __future__ import annotations

import math

import numpy as np
from skimage.metrics import structural_similarity

from protodune.events.truth import LABEL_ADC

SSIM_WINDOW = 11
PEAK_ADC = {"induction": 200.0, "collection": 400.0}
"""Fixed peak for PSNR and SSIM; a peak taken from each image would be decided by its brightest hit."""


def mse(denoised: np.ndarray, clean: np.ndarray) -> float:
    """Return the mean squared error, ADC^2."""
    return float(np.mean((denoised.astype(np.float64) - clean) ** 2))


def psnr(denoised: np.ndarray, clean: np.ndarray, peak_adc: float) -> float:
    """Return the peak signal-to-noise ratio, 10 log10(peak^2 / MSE), dB; infinite for identical images."""
    error = mse(denoised, clean)
    return 10 * math.log10(peak_adc**2 / error) if error > 0 else math.inf


def ssim(denoised: np.ndarray, clean: np.ndarray, peak_adc: float) -> float:
    """Return the structural similarity (Wang et al. 2004): Gaussian window of sigma 1.5, constants (0.01 L)^2 and
    (0.03 L)^2 with the fixed peak as range L; 1 for identical images, NaN for images smaller than the window (11 pixels)."""
    if min(clean.shape) < SSIM_WINDOW:
        return math.nan
    return float(
        structural_similarity(
            denoised.astype(np.float32),
            clean.astype(np.float32),
            data_range=peak_adc,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def imae(denoised: np.ndarray, clean: np.ndarray) -> float:
    """Return the mean over channels of |sum over ticks of (denoised - clean)|, ADC tick.

    For unipolar collection pulses only: a bipolar pulse sums to zero whatever its size.
    """
    difference = denoised.astype(np.float64) - clean
    return float(np.mean(np.abs(difference.sum(axis=1))))


def signal_bias(denoised: np.ndarray, clean: np.ndarray, minimum_adc: float = LABEL_ADC) -> float:
    """Return the slope of denoised against clean over the pixels with |clean| of at least 3.5 ADC, minus 1.

    -0.1 if a tenth of the amplitude is lost; NaN without such pixels.
    """
    signal = np.abs(clean) >= minimum_adc
    true = clean[signal].astype(np.float64)
    return float((denoised[signal] * true).sum() / (true**2).sum() - 1) if len(true) else math.nan
