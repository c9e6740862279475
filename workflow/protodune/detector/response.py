"""Field and electronics response: ADC a tick for one electron that drifts past a wire.

Field response: compact fits to the Garfield calculation that Wire-Cell uses for ProtoDUNE-SP, averaged over impact
positions, by wire distance |r| = 0, 1, 2 (docs/physics.md).  Electronics: the cold amplifier's semi-Gaussian.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import ndtr

from protodune.detector.geometry import TICK_US

GAIN_MV_PER_FC = 14.0
SHAPING_US = 2.2
ADC_PER_MV = 2.925
FC_PER_ELECTRON = 1.602e-4
POSTGAIN = 1.1365
"""Pulser calibration over nominal gain."""
WIRE_REACH = 2
"""Neighbours on each side on which a drifting electron induces a current."""

_FINE_US = 0.05
_EARLIEST_US, _LATEST_US = -40.0, 6.0
_AMPLIFIER_US = 10.0

# What wires beyond the second neighbour see is not in the fits, which shifts the peaks of long tracks by up to 9 %.  It is
# put on the first neighbour: areas of these Gaussians (mean, sigma in us), fitted to the peaks of minimum ionising tracks at
# 0 to 85 degrees that the full calculation gives.
_SHAPES = ((-14.0, 4.0), (-9.0, 2.5), (-6.5, 1.2), (-4.5, 1.2), (-3.0, 1.0), (-1.6, 0.8), (-0.3, 0.6))
_AREAS = {
    "U": (-0.0004, 0.0147, -0.0017, -0.0342, 0.0192, -0.0154, 0.0162),
    "V": (-0.0004, 0.0027, -0.0020, -0.0065, 0.0152, -0.0190, 0.0074),
}
_NEIGHBOUR = {plane: [(a, *s) for a, s in zip(areas, _SHAPES, strict=True)] for plane, areas in _AREAS.items()}

# (boxes, Gaussians) by plane and |r|: box (h, a, b, s1, s2) = h [Phi((t-a)/s1) - Phi((t-b)/s2)], Gaussian (area, mean,
# sigma); e/us and us, t = 0 at the arrival on the collection wire.
_FIELD = {
    ("U", 0): (
        [(0.1095, -6.8534, -4.6994, 0.5035, 0.12), (-0.1538, -4.3931, -2.2082, 0.2189, 0.862),
         (-0.0572, -0.9853, -0.3308, 0.5297, 1.0027)],
        [(0.1266, -5.0451, 3.2152), (-0.012, -3.8028, 0.2319), (0.022, -14.0, 4.0)],
    ),
    ("U", 1): (
        [(0.0568, -6.5841, -5.4464, 1.0576, 0.4514), (-0.03, -3.7681, -2.0809, 0.2522, 0.3216),
         (-0.042, -0.8306, 0.171, 2.0, 1.1653)],
        [(0.0272, -12.3222, 4.0), *_NEIGHBOUR["U"]],
    ),
    ("U", 2): (
        [(0.0076, -7.4772, -7.2092, 0.3074, 2.0), (-0.0078, -2.1972, -1.053, 2.0, 0.415)],
        [(-0.0061, -0.1326, 0.3378), (0.0123, -14.0, 4.0)],
    ),
    ("V", 0): (
        [],
        [(0.0145, -8.7548, 6.0), (0.0219, -6.3744, 0.7253), (0.3976, -2.9849, 1.1663), (-0.2823, -1.5818, 0.5258),
         (-0.152, -0.1473, 0.4606)],
    ),
    ("V", 1): (
        [(0.0216, -4.993, -5.6223, 2.0, 0.2985), (0.0626, -4.7403, -3.0269, 1.0784, 0.5937),
         (-0.0401, -1.6109, 0.4652, 0.3981, 0.3873)],
        [(-0.0162, -0.0284, 0.15), (0.0054, -13.6789, 4.0), *_NEIGHBOUR["V"]],
    ),
    ("V", 2): (
        [(0.0037, -6.3267, -3.1805, 1.0682, 0.12)],
        [(-0.0148, -0.1582, 0.4749), (0.0027, -14.0, 4.0)],
    ),
    ("X", 0): (
        [],
        [(0.0641, -2.8968, 1.6792), (0.2421, -1.0732, 0.8669), (0.3038, 0.0008, 0.15), (0.3901, 0.1836, 0.46)],
    ),
    ("X", 1): (
        [],
        [(0.0075, -4.905, 2.0818), (0.029, -3.0393, 1.2389), (0.0684, -1.3372, 0.7668), (-0.1082, 0.0227, 0.4072)],
    ),
    ("X", 2): (
        [],
        [(0.0087, -3.5187, 1.8505), (0.0066, -1.5831, 1.0362), (-0.0164, -0.0286, 0.4519)],
    ),
}  # fmt: skip


def field_current(plane: str, distance: int, time_us: np.ndarray) -> np.ndarray:
    """Return the induced current in e/us a drifting electron, at wire distance 0, 1 or 2; shape of ``time_us``."""
    boxes, gaussians = _FIELD[plane, distance]
    current = np.zeros_like(time_us)
    for height, a, b, s1, s2 in boxes:
        current += height * (ndtr((time_us - a) / s1) - ndtr((time_us - b) / s2))
    for area, mean, sigma in gaussians:
        current += area / (np.sqrt(2 * np.pi) * sigma) * np.exp(-0.5 * ((time_us - mean) / sigma) ** 2)
    return current


def electronics_response(time_us: np.ndarray) -> np.ndarray:
    """Return the amplifier's impulse response in mV/fC (peak 14), zero outside (0, 10) us; shape of ``time_us``."""
    x = time_us / SHAPING_US
    pulse = 4.31054 * np.exp(-2.94809 * x)
    pulse += np.exp(-2.82833 * x) * (-5.2404 * np.cos(1.19361 * x) + 1.524912 * np.sin(1.19361 * x))
    pulse += np.exp(-2.40318 * x) * (0.929848 * np.cos(2.5928 * x) - 0.655368 * np.sin(2.5928 * x))
    return np.where((time_us > 0) & (time_us < _AMPLIFIER_US), 10.12 * GAIN_MV_PER_FC * pulse, 0.0)


@lru_cache(maxsize=32)
def kernel(plane: str, distance: int) -> tuple[np.ndarray, int]:
    """Return ADC per electron by tick, float64 (ticks,), and the tick of its first sample relative to the arrival.

    The electron arrives anywhere in its tick with equal chance, hence the average over a tick.
    """
    time = np.arange(_EARLIEST_US, _LATEST_US, _FINE_US)
    amplifier = electronics_response(np.arange(0, _AMPLIFIER_US, _FINE_US))
    shaped = np.convolve(field_current(plane, distance, time), amplifier) * _FINE_US
    per_tick = round(TICK_US / _FINE_US)
    averaged = np.convolve(shaped, np.full(per_tick, 1 / per_tick))
    # The digitiser samples at the centre of its tick, hence the start at half a tick.
    samples = averaged[per_tick // 2 :: per_tick]
    return samples * ADC_PER_MV * FC_PER_ELECTRON * POSTGAIN, round(_EARLIEST_US / TICK_US)


@lru_cache(maxsize=1)
def pulser_kernel() -> tuple[np.ndarray, int]:
    """Return ADC by tick, float64 (ticks,), for one electron put on the amplifier's input, and its first tick (0)."""
    ticks = np.arange(round(_AMPLIFIER_US / TICK_US)) * TICK_US
    return electronics_response(ticks) * ADC_PER_MV * FC_PER_ELECTRON * POSTGAIN, 0


def response_spectrum(plane: str, distance: int, length: int) -> np.ndarray:
    """Return the kernel's spectrum for circular convolution over ``length`` ticks, complex64 (length // 2 + 1,)."""
    samples, first = kernel(plane, distance)
    grid = np.zeros(length)
    grid[(np.arange(len(samples)) + first) % length] = samples
    return np.fft.rfft(grid).astype(np.complex64)
