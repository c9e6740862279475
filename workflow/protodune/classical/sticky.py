"""Mending of sticky codes: on channels whose digitiser prefers some codes, these are interpolated."""

from __future__ import annotations

import numpy as np

from protodune.classical.codes import code_histogram, is_sticky_code, sticky_channels
from protodune.detector.model import Plane

MAX_RUN = 10
"""Longer runs are not mended: nothing tells the waveform between their ends."""
NEAR_PEDESTAL_ADC, MAX_JUMP_ADC = 5.0, 6.0
"""ADC of the reference gain (``Plane.adc_scale``)."""


def mend_sticky_codes(waveforms: np.ndarray, adc: np.ndarray, bad: np.ndarray, plane: Plane) -> np.ndarray:
    """Return the waveforms with sticky codes interpolated between good ones, on the channels that stick.

    ``waveforms`` float32 and ``adc`` int16 (channels, ticks); ``bad`` bool (channels,) are left alone.  Runs longer than 10
    ticks stay.
    """
    mended = waveforms.copy()
    modulus = plane.electronics.sticky_modulus
    if not modulus:
        return mended
    near, jump = NEAR_PEDESTAL_ADC * plane.adc_scale, MAX_JUMP_ADC * plane.adc_scale
    ticks = np.arange(adc.shape[1])
    for row in _sticky_rows(adc, bad, modulus):
        flagged = is_sticky_code(adc[row], modulus)
        flagged &= ~_in_long_run(flagged)
        if flagged.any() and not flagged.all():
            between = np.interp(ticks[flagged], ticks[~flagged], waveforms[row, ~flagged])
            # At the pedestal most such codes are right, and right or wrong they are less off than an interpolation is.
            value = waveforms[row, flagged]
            keep = (np.abs(value) < near) & (np.abs(between - value) <= jump)
            mended[row, flagged] = np.where(keep, value, between)
    return mended


def _sticky_rows(adc: np.ndarray, bad: np.ndarray, modulus: int) -> np.ndarray:
    rows = []
    for first in range(0, len(adc), 256):
        good = first + np.flatnonzero(~bad[first : first + 256])
        if len(good) and adc.shape[1]:
            rows.append(good[sticky_channels(*code_histogram(adc[good]), modulus)])
    return np.concatenate(rows) if rows else np.zeros(0, np.int64)


def _in_long_run(flagged: np.ndarray) -> np.ndarray:
    edges = np.diff(np.pad(flagged, 1).astype(np.int8))
    begin, end = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    found = np.zeros(len(flagged), bool)
    for first, last in zip(begin, end, strict=True):
        if last - first > MAX_RUN:
            found[first:last] = True
    return found
