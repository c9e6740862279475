"""From the signal on a channel to its digits: gain, AC coupling, noise, digitiser, and what goes wrong in it."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter, resample

from protodune.detector.geometry import ADC_MAX, PLANES, TICK_US
from protodune.simulation.conditions import Conditions, slow_ticks
from protodune.simulation.noise import incoherent_noise
from protodune.simulation.settings import SimulationSettings

STICKY_MODULUS, STICKY_CODES = 64, (63, 0, 1)
STICKY_REACH = 8
_DEAD_RMS_ADC = 0.3


def tail_us(plane: str, settings: SimulationSettings) -> float:
    """Return the time constant of the AC coupling in us."""
    return settings.collection_tail_us if plane == "X" else settings.induction_tail_us


def ac_coupled(signal: np.ndarray, before: np.ndarray, plane: str, settings: SimulationSettings) -> np.ndarray:
    """Return the signal after the AC coupling, response delta(t) - exp(-t / tau) dt / tau; float32 (channels, ticks).

    ``before`` (channels,), ADC tick: the charge that came before the readout, weighted with exp(t / tau).
    """
    ticks = tail_us(plane, settings) / TICK_US
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
    plane: str,
    shared: np.ndarray | None,
    conditions: Conditions,
    settings: SimulationSettings,
) -> tuple[np.ndarray, np.ndarray]:
    """Return ADC int16 (channels, ticks) and the number of samples of each channel, int64 (channels,).

    ``signal`` float32 (channels, ticks) without pedestal and noise; ``shared`` (boards, ticks): coherent noise or None.
    """
    n, ticks = signal.shape
    total = incoherent_noise(rng, plane, ticks, settings, conditions.noise) if settings.effects.incoherent_noise else 0
    total = total + signal
    if shared is not None:
        total += np.repeat(shared, PLANES[plane].group_size, axis=0) * conditions.coherent_gain[:, None]
    n_samples = np.full(n, ticks, np.int64)
    short = slow_ticks(ticks)
    if conditions.slow.any() and short < ticks:
        total[conditions.slow, :short] = resample(total[conditions.slow], short, axis=1)
        n_samples[conditions.slow] = short
    total += conditions.pedestal[:, None]
    dead = np.flatnonzero(conditions.dead)
    total[dead] = np.rint(conditions.pedestal[dead, None]) + _DEAD_RMS_ADC * rng.standard_normal((len(dead), ticks))
    adc = np.clip(np.rint(total, out=total), 0, ADC_MAX).astype(np.int16)
    for row in np.flatnonzero((conditions.sticky > 0) & ~conditions.dead):
        adc[row] = stick(rng, adc[row], float(conditions.sticky[row]))
    adc[n_samples < ticks, short:] = adc[n_samples < ticks, short - 1 : short]  # the decoder repeats the last sample
    return adc, n_samples


def stick(rng: np.random.Generator, codes: np.ndarray, probability: float) -> np.ndarray:
    """Return codes (ticks,) of which some stuck: with ``probability`` a code within 8 of one whose six lowest bits are 63, 0
    or 1 becomes that one."""
    wide = codes.astype(np.int64)
    offset = (wide + STICKY_MODULUS // 2) % STICKY_MODULUS - STICKY_MODULUS // 2  # from the nearest multiple of 64
    stuck = wide - offset + np.clip(offset, -1, 1)
    sticks = (np.abs(wide - stuck) <= STICKY_REACH) & (rng.uniform(size=len(codes)) < probability)
    return np.where(sticks, np.clip(stuck, 0, ADC_MAX), wide).astype(np.int16)
