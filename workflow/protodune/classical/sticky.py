"""Sticky codes: channels whose digitiser prefers codes with six lowest bits of 63, 0 or 1, and their mitigation."""

from __future__ import annotations

import numpy as np

MODULUS, CODES = 64, (63, 0, 1)
MAX_RUN = 10
"""Longer runs are not mended: the waveform between their ends is anybody's guess."""
_EXCESS_SIGMA, _EXCESS_SHARE, _MIN_AROUND = 5.0, 0.05, 100
NEAR_PEDESTAL_ADC, MAX_JUMP_ADC = 5.0, 6.0


def is_sticky_code(codes: np.ndarray) -> np.ndarray:
    """Return which codes are of the kind that sticks; bool, same shape."""
    return ((codes + 1) % MODULUS) <= 2


def expected_counts(histogram: np.ndarray, low: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the sticky codes in a histogram (channels, codes from ``low``) and how often each would be read
    if it did not stick, float64 (channels, n).

    The logarithm of the counts two and three codes away on either side, continued as a parabola: exact for normal noise.
    Where these four counts are too few to tell, the count itself.
    """
    index = np.flatnonzero(is_sticky_code(np.arange(low, low + histogram.shape[1])))
    offset = np.array([-1, 0, 1])[(low + index + 1) % MODULUS]  # from the multiple of 64
    centre = index - offset
    padded = np.pad(histogram, ((0, 0), (4, 4))).astype(np.float64)
    around = {k: padded[:, centre + 4 + k] for k in (-3, -2, 2, 3)}
    log = {k: np.log(np.maximum(v, 0.5)) for k, v in around.items()}
    inner, outer = (log[2] + log[-2]) / 2, (log[3] + log[-3]) / 2
    bend = np.minimum((outer - inner) / 5, 0)
    slope = (2 * (log[2] - log[-2]) + 3 * (log[3] - log[-3])) / 26
    expected = np.exp(np.minimum(inner - 4 * bend + slope * offset + bend * offset**2, 40))
    return index, np.where(sum(around.values()) >= _MIN_AROUND, expected, histogram[:, index])


def sticky_channels(histogram: np.ndarray, low: int) -> np.ndarray:
    """Return which channels have far more samples at sticky codes than those around them suggest; bool (channels,)."""
    index, expected = expected_counts(histogram, low)
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
            between = np.interp(ticks[flagged], ticks[~flagged], waveforms[row, ~flagged])
            # At the pedestal most such codes are right, and right or wrong they are less off than an interpolation is.
            value = waveforms[row, flagged]
            keep = (np.abs(value) < NEAR_PEDESTAL_ADC) & (np.abs(between - value) <= MAX_JUMP_ADC)
            mended[row, flagged] = np.where(keep, value, between)
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
