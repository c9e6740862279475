"""Removal of the undershoot that the AC coupling leaves after large pulses.

Model of LArSoft's ProtoDUNE data preparation: data = signal + tail + pedestal; each charge q of the signal leaves a tail of
-q / tau per tick that decays with tau.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from scipy.signal import lfilter

from protodune.classical.medians import sorted_median
from protodune.core.blocks import row_blocks
from protodune.detector.model import Plane
from protodune.events.regions import widened

SIGNAL_ADC, PAD_BEFORE, PAD_AFTER = 20.0, 10, 20
"""Threshold in ADC of the reference gain (``Plane.adc_scale``), ticks before and after."""
MAX_ITERATIONS = 10
MIN_PULSE_ADC_TICKS = 5000.0
"""Signal of a channel whose tail can be seen; ADC of the reference gain."""
STRENGTH_CHANNELS = 30
MIN_STRENGTH = 0.4
_MIN_SAMPLES = 50
_BLOCK_TICKS = 200


def remove_tails(waveforms: np.ndarray, plane: Plane, flags: np.ndarray | None = None) -> np.ndarray:
    """Return the signal without tails and pedestal, float32 (channels, ticks), ADC; ``flags``: of ``signal_flags``, if
    known.

    Pedestal and initial tail of each channel by least squares over the ticks without signal (|s| > 20 ADC, 10 ticks before
    and 20 after), repeated until these are the same.  A channel with fewer than 50 such ticks is left as it is.
    """
    model = _TailModel.of(plane, waveforms.shape[1])
    found = np.empty(waveforms.shape, np.float32)
    for rows in row_blocks(len(waveforms)):
        here = waveforms[rows]
        found[rows] = _signal(here, model, signal_flags(here, plane) if flags is None else flags[rows].copy())
    return found


@dataclass(frozen=True)
class _TailModel:
    """Recharge per tick, the threshold of signal in ADC, and what a pedestal and an initial tail of 1 ADC add to
    the signal, float64 (2, ticks)."""

    alpha: float
    threshold_adc: float
    basis: np.ndarray

    @classmethod
    @cache
    def of(cls, plane: Plane, ticks: int) -> _TailModel:
        # s_i = d_i - p - tail_i and tail_{i+1} = beta tail_i - alpha s_i with beta = 1 - alpha, so tail_{i+1} = tail_i -
        # alpha (d_i - p), and s is linear in d, p and tail_0.
        alpha = -np.expm1(-plane.tick_us / plane.tail_us)
        per_pedestal = -_without_tail(np.ones((1, ticks), np.float32), alpha)[0]
        per_tail = -np.ones(ticks, np.float32)
        return cls(alpha, SIGNAL_ADC * plane.adc_scale, np.stack([per_pedestal, per_tail]).astype(np.float64))


def _signal(waveforms: np.ndarray, model: _TailModel, flags: np.ndarray) -> np.ndarray:
    """Return ``remove_tails`` of some channels; ``flags`` are changed."""
    signal = _without_tail(waveforms, model.alpha)
    found = signal.copy()
    open_rows = np.arange(len(waveforms))
    for _ in range(MAX_ITERATIONS):
        if len(open_rows) == 0:
            break
        rows = open_rows[(~flags[open_rows]).sum(axis=1) >= _MIN_SAMPLES]
        weight = (~flags[rows]).astype(np.float32)
        found[rows] = signal[rows] + (_fit(signal[rows], weight, model.basis) @ model.basis).astype(np.float32)
        new = _flags(found[rows], model.threshold_adc)
        changed = (new != flags[rows]).any(axis=1)
        flags[rows] = new
        open_rows = rows[changed]
    untouched = (~flags).sum(axis=1) < _MIN_SAMPLES
    found[untouched] = waveforms[untouched]
    return found


def restore_baseline(waveforms: np.ndarray, plane: Plane) -> np.ndarray:
    """Return the waveforms without tails where the plane has any, else as they are; float32 (channels, ticks), ADC.

    Induction pulses have no net area and leave no tail; there, what looks like one is a prolonged signal.
    """
    if not plane.collects or plane.tail_us is None:
        return waveforms
    flags = signal_flags(waveforms, plane)
    return remove_tails(waveforms, plane, flags) if tail_strength(waveforms, plane, flags) > MIN_STRENGTH else waveforms


def signal_flags(waveforms: np.ndarray, plane: Plane) -> np.ndarray:
    """Return where a waveform is above 20 ADC from its local baseline, extended by 10 ticks before and 20 after; bool."""
    flags = np.empty(waveforms.shape, bool)
    for rows in row_blocks(len(waveforms)):
        here = waveforms[rows]
        flags[rows] = _flags(here - _local_baseline(here), SIGNAL_ADC * plane.adc_scale)
    return flags


def tail_strength(waveforms: np.ndarray, plane: Plane, flags: np.ndarray | None = None) -> float:
    """Return how strong tails are, 1 as the AC coupling makes them, 0 for none; NaN if no pulse is large enough to tell.

    Regression of the values without signal on the tail that the signal would leave, over the channels with the largest
    pulses.  Some simulations have no tails, and to remove what is not there would bend their baselines.
    """
    decay_ticks = plane.tail_us / plane.tick_us
    flags = signal_flags(waveforms, plane) if flags is None else flags
    total = np.zeros(len(waveforms))
    for rows in row_blocks(len(waveforms)):
        enough = (~flags[rows]).sum(axis=1) >= _MIN_SAMPLES
        total[rows] = np.where(enough, (waveforms[rows] * flags[rows]).sum(axis=1, dtype=np.float64), 0)
    rows = np.argsort(total)[-STRENGTH_CHANNELS:]
    rows = rows[total[rows] > MIN_PULSE_ADC_TICKS * plane.adc_scale]
    if len(rows) == 0:
        return float("nan")
    beta = np.exp(-1 / decay_ticks)
    tail = lfilter([0, beta - 1], [1, -beta], np.where(flags[rows], waveforms[rows], 0).astype(np.float64), axis=1)
    weight = ~flags[rows]
    count = weight.sum(axis=1, keepdims=True)
    tail_off = (tail - (tail * weight).sum(axis=1, keepdims=True) / count) * weight
    data_off = (waveforms[rows] - (waveforms[rows] * weight).sum(axis=1, keepdims=True) / count) * weight
    power = (tail_off**2).sum(axis=1)
    known = power > 0
    # The median over channels is not led astray by prolonged signals below the threshold.
    return float(np.median((tail_off * data_off).sum(axis=1)[known] / power[known])) if known.any() else float("nan")


def _without_tail(data: np.ndarray, alpha: float) -> np.ndarray:
    # s_i = d_i - tail_i, and since alpha + beta = 1 the tail is what all earlier values together left: -alpha sum d_j.
    total = np.cumsum(data.astype(np.float64), axis=1)
    signal = np.empty(data.shape, np.float32)
    signal[:, 0] = data[:, 0]
    np.multiply(total[:, :-1], alpha, out=total[:, :-1])
    np.add(total[:, :-1], data[:, 1:], out=signal[:, 1:], casting="same_kind")
    return signal


def _fit(signal: np.ndarray, weight: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Return the coefficients (channels, 2) with which signal + coefficients @ basis is least where ``weight`` is 1."""
    products = np.stack([basis[0] ** 2, basis[0] * basis[1], basis[1] ** 2]).astype(np.float32)
    a, b, c = (weight @ products.T).astype(np.float64).T
    masked = signal * weight
    right = -(masked @ basis.T.astype(np.float32)).astype(np.float64)
    determinant = a * c - b * b
    safe = determinant > 1e-9 * a * c
    determinant = np.where(safe, determinant, 1)
    first = np.where(safe, (c * right[:, 0] - b * right[:, 1]) / determinant, right[:, 0] / np.maximum(a, 1))
    second = np.where(safe, (a * right[:, 1] - b * right[:, 0]) / determinant, 0)
    return np.stack([first, second], axis=1)


def _local_baseline(waveforms: np.ndarray) -> np.ndarray:
    """Return medians of 200 ticks at a time, joined by straight lines: tells signal from a baseline that tails bend."""
    ticks = waveforms.shape[1]
    blocks = max(1, ticks // _BLOCK_TICKS)
    edges = np.linspace(0, ticks, blocks + 1).astype(int)
    medians = np.stack([sorted_median(waveforms[:, a:b]) for a, b in pairwise(edges)], axis=1)
    if blocks == 1:
        return np.repeat(medians, ticks, axis=1)
    place = np.clip((np.arange(ticks) + 0.5) / ticks * blocks - 0.5, 0, blocks - 1)
    low = np.minimum(place.astype(int), blocks - 2)
    share = (place - low).astype(np.float32)
    weight = np.zeros((blocks, ticks), np.float32)
    weight[low, np.arange(ticks)], weight[low + 1, np.arange(ticks)] = 1 - share, share
    return medians @ weight


def _flags(signal: np.ndarray, threshold_adc: float) -> np.ndarray:
    return widened(np.abs(signal) > threshold_adc, PAD_BEFORE, PAD_AFTER)
