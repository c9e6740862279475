"""Charge of regions: areas of waveforms, found and true."""

from __future__ import annotations

import math

import numpy as np

from protodune.detector.model import Plane
from protodune.events.regions import runs

CHARGE_PAD_TICKS = 10
MIN_CHARGE = {"collection": 300.0, "induction": 100.0}
"""Regions with less are not asked for their charge, ADC tick: a third of what a minimum ionising particle leaves."""
MIN_REGIONS = 10
"""Fewer regions have no quantiles."""


def min_charge(plane: Plane) -> float:
    """Return the least charge of a region that counts, ADC tick."""
    return MIN_CHARGE[plane.family] * plane.adc_scale


def charge_pairs(
    denoised: np.ndarray, clean: np.ndarray, truth: np.ndarray, ticks_per_pixel: int, plane: Plane
) -> tuple[np.ndarray, np.ndarray]:
    """Return found and true charge Q of every true region, float64 (regions,), ADC tick.

    ``denoised`` and ``clean`` float (channels, ticks), ADC; ``truth`` bool (channels, pixels of ``ticks_per_pixel``).  Q is
    the area of the waveform from 10 ticks before to 10 ticks after a run of the truth; on induction, where areas cancel,
    that of its absolute value.  Regions with little charge are left out.
    """
    row, begin, end = runs(truth)
    found, true = region_charges(denoised, clean, row, begin * ticks_per_pixel, end * ticks_per_pixel, plane)
    enough = true > min_charge(plane)
    return found[enough], true[enough]


def region_charges(
    denoised: np.ndarray, clean: np.ndarray, row: np.ndarray, begin: np.ndarray, end: np.ndarray, plane: Plane
) -> tuple[np.ndarray, np.ndarray]:
    """Return found and true charge, as ``charge_pairs`` defines it, of every region: its ``row`` and its first and one past
    its last tick, int (regions,)."""
    first, last = np.maximum(begin - CHARGE_PAD_TICKS, 0), np.minimum(end + CHARGE_PAD_TICKS, clean.shape[1])
    areas = []
    for image in (denoised, clean):
        total = np.cumsum(image if plane.collects else np.abs(image), axis=1, dtype=np.float64)
        total = np.pad(total, ((0, 0), (1, 0)))
        areas.append(total[row, last] - total[row, first])
    return areas[0], areas[1]


def charge_errors(
    denoised: np.ndarray, clean: np.ndarray, truth: np.ndarray, ticks_per_pixel: int, plane: Plane
) -> np.ndarray:
    """Return (Q - Q_true) / Q_true of every true region with charge enough, float64 (regions,), of ``charge_pairs``."""
    found, true = charge_pairs(denoised, clean, truth, ticks_per_pixel, plane)
    return found / true - 1


def charge_metrics(errors: np.ndarray, of: str = "charge") -> dict[str, float]:
    """Return median and half the central 68 % of relative errors, float (n,), as ``OF_bias`` and ``OF_resolution``; NaN
    without any."""
    low, middle, high = np.quantile(errors, [0.16, 0.5, 0.84]) if len(errors) else [math.nan] * 3
    return {f"{of}_bias": float(middle), f"{of}_resolution": float(high - low) / 2}
