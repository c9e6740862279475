"""Pedestal and noise of every channel, robust against signal: clipped moments from the ADC histogram."""

from __future__ import annotations

import numpy as np

from protodune.classical.codes import code_histogram, expected_counts, sticky_channels
from protodune.detector.model import Plane

CLIP_SIGMA = 3.0
# Standard deviation of a unit normal cut at +-3 sigma, which the clipped rms is divided by.
_CLIPPED_NORMAL_STD = 0.98658
_ROWS_PER_BLOCK = 256
_ITERATIONS = 4


def estimate_pedestal(adc: np.ndarray, plane: Plane) -> tuple[np.ndarray, np.ndarray]:
    """Return pedestal and noise rms of every channel, each float32 (channels,), ADC.

    ``adc`` int16 (channels, ticks) of channels of ``plane``.  Start: median and half the 16-84 % range; then mean and
    standard deviation of the values within 3 standard deviations, repeated, the latter corrected for the cut.  Exact on the
    histogram, so the cost is one pass over the values.  Codes that stick count as often as their neighbours suggest.  A
    readout without ticks gives zeros.
    """
    modulus = plane.electronics.sticky_modulus
    adc = np.asarray(adc)
    if adc.shape[1] == 0:
        return np.zeros(len(adc), np.float32), np.zeros(len(adc), np.float32)
    blocks = [_block(adc[i : i + _ROWS_PER_BLOCK], modulus) for i in range(0, len(adc), _ROWS_PER_BLOCK)]
    if not blocks:
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    mean, rms = (np.concatenate(part).astype(np.float32) for part in zip(*blocks, strict=True))
    return mean, rms


def _block(adc: np.ndarray, modulus: int) -> tuple[np.ndarray, np.ndarray]:
    hist, low = code_histogram(adc)
    if modulus:
        _lower_sticky_bins(hist, low, modulus)
    (n, width), ticks = hist.shape, hist.sum(axis=1)[:, None]
    code = np.arange(width, dtype=np.float64)
    count = np.pad(np.cumsum(hist, axis=1), ((0, 0), (1, 0)))
    first = np.pad(np.cumsum(hist * code, axis=1), ((0, 0), (1, 0)))
    second = np.pad(np.cumsum(hist * code**2, axis=1), ((0, 0), (1, 0)))

    def quantile(q: float) -> np.ndarray:
        return (count[:, 1:] < q * ticks).sum(axis=1).astype(np.float64)

    mean, rms = quantile(0.5), np.maximum((quantile(0.84) - quantile(0.16)) / 2, 1.0)
    rows = np.arange(n)
    for _ in range(_ITERATIONS):
        reach = np.maximum(CLIP_SIGMA * rms, 1.0)
        start = np.clip(np.ceil(mean - reach), 0, width - 1).astype(np.int64)
        stop = np.clip(np.floor(mean + reach) + 1, 1, width).astype(np.int64)
        total = count[rows, stop] - count[rows, start]
        total = np.where(total == 0, 1, total)
        mean = (first[rows, stop] - first[rows, start]) / total
        variance = (second[rows, stop] - second[rows, start]) / total - mean**2
        rms = np.sqrt(np.maximum(variance, 0)) / _CLIPPED_NORMAL_STD
    return mean + low, rms


def _lower_sticky_bins(hist: np.ndarray, low: int, modulus: int) -> None:
    """Set the bins of sticky codes to what their neighbours suggest, in place, on channels that stick."""
    rows = np.flatnonzero(sticky_channels(hist, low, modulus))
    if len(rows) == 0:
        return
    index, expected = expected_counts(hist[rows], low, modulus)
    lowered = hist[rows]
    lowered[:, index] = np.minimum(lowered[:, index], np.rint(expected).astype(lowered.dtype))
    # A channel that has next to nothing beside sticky codes, as a dead one has, keeps them.
    kept = lowered.sum(axis=1) > 0.3 * hist[rows].sum(axis=1)
    hist[rows[kept]] = lowered[kept]
