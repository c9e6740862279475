"""From the signal on a channel to its digits: gain, AC coupling, noise, digitiser, and what goes wrong in it."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter, resample

from protodune.detector.model import Detector, Electronics, Plane
from protodune.simulation.conditions import Conditions
from protodune.simulation.noise import incoherent_noise
from protodune.simulation.settings import SimulationSettings

STICKY_REACH = 8
_DEAD_RMS_ADC = 0.3


def tail_ticks(plane: Plane, settings: SimulationSettings) -> float | None:
    """Return the time constant of the AC coupling in ticks: the setting's, else the plane's; None without AC coupling."""
    asked = settings.collection_tail_us if plane.collects else settings.induction_tail_us
    tail_us = plane.tail_us if asked is None else asked
    return None if tail_us is None else tail_us / plane.tick_us


def ac_coupled(signal: np.ndarray, before: np.ndarray, ticks: float) -> np.ndarray:
    """Return the signal after the AC coupling, response delta(t) - exp(-t / tau) dt / tau; float32 (channels, ticks).

    ``before`` (channels,), ADC tick: the charge that came before the readout, weighted with exp(t / tau); ``ticks``: tau.
    """
    beta = np.exp(-1 / ticks)
    alpha = 1 - beta  # the tail cancels the signal's integral
    coupled = signal.copy()
    rows = np.flatnonzero(signal.any(axis=1) | (before != 0))
    # tail_{i+1} = beta tail_i - alpha s_i
    start = (-before[rows] * alpha)[:, None]
    tail, _ = lfilter([0, -alpha], [1, -beta], signal[rows].astype(np.float64), axis=1, zi=start)
    coupled[rows] += tail.astype(np.float32)
    return coupled


def digitise(
    rng: np.random.Generator,
    signal: np.ndarray,
    detector: Detector,
    plane: Plane,
    shared: np.ndarray | None,
    conditions: Conditions,
    settings: SimulationSettings,
) -> tuple[np.ndarray, np.ndarray]:
    """Return ADC int16 (channels, ticks) and the number of ticks that each channel reads, int64 (channels,).

    ``signal`` float32 (channels, ticks) without pedestal and noise; ``shared`` (boards, ticks): coherent noise or None.
    """
    n, ticks = signal.shape
    total = incoherent_noise(rng, plane, ticks, settings, conditions.noise) if settings.effects.incoherent_noise else 0
    total = total + signal
    if shared is not None:
        total += np.repeat(shared, plane.group_size, axis=0) * conditions.coherent_gain[:, None]
    n_ticks = np.full(n, ticks, np.int64)
    short = detector.slow_ticks(ticks)
    if conditions.slow.any() and short < ticks:
        total[conditions.slow, :short] = resample(total[conditions.slow], short, axis=1)
        n_ticks[conditions.slow] = short
    total += conditions.pedestal[:, None]
    dead = np.flatnonzero(conditions.dead)
    total[dead] = np.rint(conditions.pedestal[dead, None]) + _DEAD_RMS_ADC * plane.adc_scale * rng.standard_normal(
        (len(dead), ticks)
    )
    adc = np.clip(np.rint(total, out=total), 0, plane.electronics.adc_max).astype(np.int16)
    if plane.electronics.sticky_modulus:
        for row in np.flatnonzero((conditions.sticky > 0) & ~conditions.dead):
            adc[row] = stick(rng, adc[row], float(conditions.sticky[row]), plane.electronics)
    adc[n_ticks < ticks, short:] = adc[n_ticks < ticks, short - 1 : short]  # the decoder repeats the last value
    return adc, n_ticks


def stick(rng: np.random.Generator, codes: np.ndarray, probability: float, electronics: Electronics) -> np.ndarray:
    """Return codes (ticks,) of which some stuck: with ``probability`` a code within 8 of a multiple of the sticky modulus,
    or of its two neighbours, becomes the nearest of these three."""
    wide, modulus = codes.astype(np.int64), electronics.sticky_modulus
    offset = (wide + modulus // 2) % modulus - modulus // 2  # from the nearest multiple
    stuck = wide - offset + np.clip(offset, -1, 1)
    sticks = (np.abs(wide - stuck) <= STICKY_REACH) & (rng.uniform(size=len(codes)) < probability)
    return np.where(sticks, np.clip(stuck, 0, electronics.adc_max), wide).astype(np.int16)
