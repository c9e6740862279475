"""Codes that stick: which codes a digitiser prefers, and which channels show it in their histograms."""

from __future__ import annotations

import numpy as np

_EXCESS_SIGMA, _EXCESS_SHARE, _MIN_AROUND = 5.0, 0.05, 100


def is_sticky_code(codes: np.ndarray, modulus: int) -> np.ndarray:
    """Return which codes are of the kind that sticks, the multiples of ``modulus`` and their neighbours; bool, same
    shape."""
    return ((codes + 1) % modulus) <= 2


def expected_counts(histogram: np.ndarray, low: int, modulus: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the sticky codes in a histogram (channels, codes from ``low``) and how often each would be read
    if it did not stick, float64 (channels, n).

    The logarithm of the counts two and three codes away on either side, continued as a parabola: exact for normal noise.
    Where these four counts are too few to tell, the count itself.
    """
    index = np.flatnonzero(is_sticky_code(np.arange(low, low + histogram.shape[1]), modulus))
    offset = np.array([-1, 0, 1])[(low + index + 1) % modulus]  # from the multiple
    centre = index - offset
    padded = np.pad(histogram, ((0, 0), (4, 4))).astype(np.float64)
    around = {k: padded[:, centre + 4 + k] for k in (-3, -2, 2, 3)}
    log = {k: np.log(np.maximum(v, 0.5)) for k, v in around.items()}
    inner, outer = (log[2] + log[-2]) / 2, (log[3] + log[-3]) / 2
    bend = np.minimum((outer - inner) / 5, 0)
    slope = (2 * (log[2] - log[-2]) + 3 * (log[3] - log[-3])) / 26
    expected = np.exp(np.minimum(inner - 4 * bend + slope * offset + bend * offset**2, 40))
    return index, np.where(sum(around.values()) >= _MIN_AROUND, expected, histogram[:, index])


def sticky_channels(histogram: np.ndarray, low: int, modulus: int) -> np.ndarray:
    """Return which channels have sticky codes far more often than the codes around them suggest; bool (channels,)."""
    index, expected = expected_counts(histogram, low, modulus)
    found, wanted = histogram[:, index].sum(axis=1), expected.sum(axis=1)
    # The continuation of four counts is less certain than a count: its variance is about five times as large.
    return (found - wanted > _EXCESS_SIGMA * np.sqrt(6 * wanted + 1)) & (found > (1 + _EXCESS_SHARE) * wanted)


def code_histogram(adc: np.ndarray) -> tuple[np.ndarray, int]:
    """Return how often each channel has each code, int64 (channels, codes), and the first code; ``adc`` int16."""
    low = int(adc.min())
    width = int(adc.max()) - low + 1
    n = len(adc)
    flat = adc.astype(np.int32) + (np.arange(n, dtype=np.int32) * width - low)[:, None]
    return np.bincount(flat.ravel(), minlength=n * width).reshape(n, width), low
