"""How well a denoised image agrees with the noise-free one.  All images float (channels, ticks), ADC."""

from __future__ import annotations

import math

import numpy as np
from skimage.metrics import structural_similarity

PEAK_ADC = {"induction": 200.0, "collection": 400.0}
"""Fixed peak for PSNR and SSIM; a peak taken from each image would be decided by its brightest hit."""


def mse(denoised: np.ndarray, clean: np.ndarray) -> float:
    """Mean squared error, ADC^2."""
    return float(np.mean((denoised.astype(np.float64) - clean) ** 2))


def psnr(denoised: np.ndarray, clean: np.ndarray, peak_adc: float) -> float:
    """Peak signal-to-noise ratio, 10 log10(peak^2 / MSE), dB; infinite for identical images."""
    error = mse(denoised, clean)
    return 10 * math.log10(peak_adc**2 / error) if error > 0 else math.inf


def ssim(denoised: np.ndarray, clean: np.ndarray, peak_adc: float) -> float:
    """Structural similarity (Wang et al. 2004): Gaussian window of sigma 1.5, constants (0.01 L)^2 and (0.03 L)^2 with
    the fixed peak as range L; 1 for identical images."""
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
    """Mean over channels of |sum over ticks of (denoised - clean)|, ADC tick; for unipolar collection pulses only, since a
    bipolar pulse sums to zero whatever its size."""
    difference = denoised.astype(np.float64) - clean
    return float(np.mean(np.abs(difference.sum(axis=1))))


def image_metrics(denoised: np.ndarray, clean: np.ndarray, family: str) -> dict[str, float]:
    """Return all metrics that make sense for a plane family, by name."""
    peak = PEAK_ADC[family]
    values = {
        "mse": mse(denoised, clean),
        "psnr": psnr(denoised, clean, peak),
        "ssim": ssim(denoised, clean, peak),
    }
    if family == "collection":
        values["imae"] = imae(denoised, clean)
    return values


def mean_over_events(values: list[float], events: list) -> tuple[float, float, int]:
    """Return mean, standard error and number of events: images of one event are averaged first, since their errors are
    correlated; error = std / sqrt(n), NaN for a single event."""
    grouped: dict = {}
    for event, value in zip(events, values, strict=True):
        grouped.setdefault(event, []).append(value)
    means = np.array([np.mean(v) for v in grouped.values()])
    n = len(means)
    if n == 0:
        return math.nan, math.nan, 0
    error = float(np.std(means, ddof=1) / math.sqrt(n)) if n > 1 else math.nan
    return float(np.mean(means)), error, n
