"""Field and electronics response: ADC per tick for one electron that drifts past a wire of a plane.

Field response: the plane's fits to a field calculation, by wire distance.  Electronics: the cold amplifier's semi-Gaussian
(docs/physics.md).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.special import ndtr

from protodune.detector.model import Electronics, FieldResponse, Plane

FC_PER_ELECTRON = 1.602e-4

_FINE_US = 0.05
_EARLIEST_US, _LATEST_US = -40.0, 6.0
_AMPLIFIER_US = 10.0
_MARGIN_US = 64.0
_SHAPING_US = 2.2
"""Shaping time to which the amplifier's constants belong; others are scaled."""


def field_current(field: FieldResponse, distance: int, time_us: np.ndarray) -> np.ndarray:
    """Return the induced current in e/us per drifting electron, at a wire distance of 0, 1, ...; shape of ``time_us``."""
    boxes, gaussians = field.by_distance[distance]
    current = np.zeros_like(time_us)
    for height, a, b, s1, s2 in boxes:
        current += height * (ndtr((time_us - a) / s1) - ndtr((time_us - b) / s2))
    for area, mean, sigma in gaussians:
        current += area / (np.sqrt(2 * np.pi) * sigma) * np.exp(-0.5 * ((time_us - mean) / sigma) ** 2)
    return current


def electronics_response(electronics: Electronics, time_us: np.ndarray) -> np.ndarray:
    """Return the amplifier's impulse response in mV/fC (peak: its gain), zero outside (0, 10) us for a shaping time of 2.2
    us; shape of ``time_us``."""
    x = time_us / electronics.shaping_us
    pulse = 4.31054 * np.exp(-2.94809 * x)
    pulse += np.exp(-2.82833 * x) * (-5.2404 * np.cos(1.19361 * x) + 1.524912 * np.sin(1.19361 * x))
    pulse += np.exp(-2.40318 * x) * (0.929848 * np.cos(2.5928 * x) - 0.655368 * np.sin(2.5928 * x))
    inside = (time_us > 0) & (time_us < _amplifier_us(electronics))
    return np.where(inside, 10.12 * electronics.gain_mv_per_fc * pulse, 0.0)


def _amplifier_us(electronics: Electronics) -> float:
    return _AMPLIFIER_US * (electronics.shaping_us / _SHAPING_US)


def _adc_per_mv_fc(electronics: Electronics, samples: np.ndarray) -> np.ndarray:
    """Return ADC per electron from mV/fC."""
    return samples * electronics.adc_per_mv * FC_PER_ELECTRON * electronics.calibration


def kernel(plane: Plane, distance: int) -> tuple[np.ndarray, int]:
    """Return ADC per electron by tick, float64 (ticks,), and the tick of its first value relative to the arrival.

    The electron arrives anywhere in its tick with equal chance, hence the average over a tick.
    """
    return _kernel(plane.field, plane.electronics, plane.tick_us, distance)


@lru_cache(maxsize=64)
def _kernel(field: FieldResponse, electronics: Electronics, tick_us: float, distance: int) -> tuple[np.ndarray, int]:
    # Units share their planes' responses, so it is these that are remembered.
    per_tick = round(tick_us / _FINE_US)
    fine = tick_us / per_tick
    first_tick = math.floor(_EARLIEST_US / tick_us)
    time = np.arange(first_tick * tick_us, _LATEST_US, fine)
    amplifier = electronics_response(electronics, np.arange(0, _amplifier_us(electronics), fine))
    shaped = np.convolve(field_current(field, distance, time), amplifier) * fine
    averaged = np.convolve(shaped, np.full(per_tick, 1 / per_tick))
    # The digitiser samples at the centre of its tick, hence the start at half a tick.
    samples = averaged[per_tick // 2 :: per_tick]
    return _adc_per_mv_fc(electronics, samples), first_tick


def pulser_kernel(plane: Plane) -> tuple[np.ndarray, int]:
    """Return ADC by tick, float64 (ticks,), for one electron put on the amplifier's input, and its first tick (0)."""
    ticks = np.arange(round(_amplifier_us(plane.electronics) / plane.tick_us)) * plane.tick_us
    return _adc_per_mv_fc(plane.electronics, electronics_response(plane.electronics, ticks)), 0


def margin_ticks(tick_us: float) -> int:
    """Return how many ticks before and after a record the response can reach, with some to spare (40 us back, 16 us on)."""
    return math.ceil(_MARGIN_US / tick_us)


def response_spectrum(plane: Plane, distance: int, length: int) -> np.ndarray:
    """Return the kernel's spectrum for circular convolution over ``length`` ticks, complex64 (length // 2 + 1,)."""
    samples, first = kernel(plane, distance)
    grid = np.zeros(length)
    grid[(np.arange(len(samples)) + first) % length] = samples
    return np.fft.rfft(grid).astype(np.complex64)
