"""Sticky codes: channels whose digitiser prefers codes with six lowest bits of 63, 0 or 1, and their mitigation."""

from __future__ import annotations

import numpy as np

MODULUS, CODES = 64, (63, 0, 1)
MAX_RUN = 10
"""Longer runs are not mended: the waveform between their ends is anybody's guess."""
_EXCESS_SIGMA, _EXCESS_SHARE = 5.0, 0.02


def is_sticky_code(codes: np.ndarray) -> np.ndarray:
    """Return which codes are of the kind that sticks; bool, same shape."""
    return ((codes + 1) % MODULUS) <= 2


def expected_counts(histogram: np.ndarray, low: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the sticky codes in a histogram (channels, codes from ``low``) and what the codes around them
    suggest for each, float64 (channels, n): the line between the means of two codes on either side."""
    width = histogram.shape[1]
    index = np.flatnonzero(is_sticky_code(np.arange(low, low + width)))
    centre = index + np.array([1, 0, -1])[(low + index + 1) % MODULUS]  # the multiple of 64 between its neighbours
    padded = np.pad(histogram, ((0, 0), (4, 4)))
    left = (padded[:, centre + 1] + padded[:, centre + 2]) / 2  # codes -3 and -2
    right = (padded[:, centre + 6] + padded[:, centre + 7]) / 2
    share = (index - centre + 2.5) / 5
    return index, left * (1 - share) + right * share


def sticky_channels(histogram: np.ndarray, low: int) -> np.ndarray:
    """Return which channels have far more samples at sticky codes than around them suggests; bool (channels,)."""
    index, expected = expected_counts(histogram, low)
    found, wanted = histogram[:, index].sum(axis=1), expected.sum(axis=1)
    excess = found - wanted
    total = np.maximum(histogram.sum(axis=1), 1)
    return (excess > _EXCESS_SIGMA * np.sqrt(wanted + 1)) & (excess > _EXCESS_SHARE * 0.25 * total)


def code_histogram(adc: np.ndarray) -> tuple[np.ndarray, int]:
    """Return how often each channel has each code, int64 (channels, codes), and the first code; ``adc`` int16."""
    low = int(adc.min())
    width = int(adc.max()) - low + 1
    n = len(adc)
    flat = adc.astype(np.int32) + (np.arange(n, dtype=np.int32) * width - low)[:, None]
    return np.bincount(flat.ravel(), minlength=n * width).reshape(n, width), low


def mend_sticky_codes(waveforms: np.ndarray, adc: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Return the waveforms with sticky samples interpolated between good ones, on the channels that stick.

    ``waveforms`` float32 and ``adc`` int16 (channels, ticks); ``bad`` bool (channels,) are left alone.  Runs longer than 10
    ticks stay.
    """
    mended = waveforms.copy()
    ticks = np.arange(adc.shape[1])
    for row in _sticky_rows(adc, bad):
        flagged = is_sticky_code(adc[row])
        flagged &= ~_in_long_run(flagged)
        if flagged.any() and not flagged.all():
            mended[row, flagged] = np.interp(ticks[flagged], ticks[~flagged], waveforms[row, ~flagged])
    return mended


def _sticky_rows(adc: np.ndarray, bad: np.ndarray) -> np.ndarray:
    rows = []
    for first in range(0, len(adc), 256):
        good = first + np.flatnonzero(~bad[first : first + 256])
        if len(good) and adc.shape[1]:
            rows.append(good[sticky_channels(*code_histogram(adc[good]))])
    return np.concatenate(rows) if rows else np.zeros(0, np.int64)


def _in_long_run(flagged: np.ndarray) -> np.ndarray:
    edges = np.diff(np.pad(flagged, 1).astype(np.int8))
    begin, end = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    found = np.zeros(len(flagged), bool)
    for first, last in zip(begin, end, strict=True):
        if last - first > MAX_RUN:
            found[first:last] = True
    return found
