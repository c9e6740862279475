"""Electronic noise: incoherent by the measured spectrum, coherent by front-end board.

Spectrum: fit to Wire-Cell's protodune noise file, mean amplitude A(f) = (a + b f) exp(-(f/c)^d) mV of a 6000-point DFT with
a white term in quadrature.  Coherent lines: the DAQ simulation's sum of sines (docs/physics.md).
"""

from __future__ import annotations

import numpy as np
import scipy.fft

from protodune.detector.geometry import PLANES, TICK_US, femb_of_group
from protodune.detector.response import ADC_PER_MV
from protodune.simulation.settings import SimulationSettings

# a mV, b mV/MHz, c MHz, d, white mV
_SPECTRUM = {
    "induction": (132.0068, 1451.3448, 0.20572, 1.71622, 34.11),
    "collection": (109.6339, 1013.8055, 0.21860, 1.87321, 40.82),
}
_SPECTRUM_TICKS = 6000
COHERENT_KHZ = (0.2, 3.0, 4.0, 12.0, 31.0, 42.0, 53.2, 120.0, 330.0)
COHERENT_ADC = (1.0, 0.2, 2.0, 1.0, 1.1, 1.2, 0.8, 1.2, 3.0)
AMPLITUDE_JITTER_ADC = 0.5
FREQUENCY_JITTER_KHZ = 0.021
SHORT_BOARD, SHORT_BOARD_LINES = 20, 6
"""One board has the first six lines only; which one is our choice."""
HV_KHZ, HV_ADC = (0.05, 3.0), (0.5, 0.3)


def noise_amplitude(plane: str, frequency_mhz: np.ndarray) -> np.ndarray:
    """Return the mean DFT amplitude in mV on a grid of frequencies, for a record of 6000 ticks; shape of the input."""
    a, b, c, d, white = _SPECTRUM["collection" if plane == "X" else "induction"]
    shaped = (a + b * frequency_mhz) * np.exp(-((frequency_mhz / c) ** d))
    return np.hypot(shaped, white)


def incoherent_noise(
    rng: np.random.Generator, plane: str, ticks: int, settings: SimulationSettings, level: np.ndarray
) -> np.ndarray:
    """Return noise of every channel of a plane, float32 (channels, ticks), ADC; ``level`` float32 (channels,) scales it."""
    length = scipy.fft.next_fast_len(ticks, real=True)
    amplitude = noise_amplitude(plane, scipy.fft.rfftfreq(length, TICK_US)) * np.sqrt(length / _SPECTRUM_TICKS)
    # The spectrum gives mean amplitudes; the mean of a Rayleigh amplitude is sigma sqrt(pi/2).
    amplitude = (amplitude * np.sqrt(2 / np.pi) * ADC_PER_MV * settings.incoherent_noise).astype(np.float32)
    spectrum = rng.standard_normal((len(level), 2 * len(amplitude)), dtype=np.float32).view(np.complex64)
    spectrum *= amplitude
    spectrum *= level[:, None]
    return scipy.fft.irfft(spectrum, length, axis=1)[:, :ticks]


def coherent_noise(rng: np.random.Generator, ticks: int, settings: SimulationSettings) -> dict[str, np.ndarray]:
    """Return the noise that the channels of a front-end board share, by plane: float32 (20 groups, ticks), ADC.

    Every board has its own amplitudes, frequencies and phases; the high-voltage lines are common to all.
    """
    time_ms = np.arange(ticks) * TICK_US * 1e-3
    hv_phase = rng.uniform(0, 2 * np.pi, len(HV_KHZ))
    hv = sum(a * np.sin(2 * np.pi * f * time_ms + p) for f, a, p in zip(HV_KHZ, HV_ADC, hv_phase, strict=True))
    boards = np.empty((20, ticks), np.float32)
    for board in range(20):
        lines = SHORT_BOARD_LINES if board == SHORT_BOARD - 1 else len(COHERENT_ADC)
        amplitude = np.array(COHERENT_ADC) + AMPLITUDE_JITTER_ADC * rng.standard_normal(len(COHERENT_ADC))
        frequency = np.array(COHERENT_KHZ) + FREQUENCY_JITTER_KHZ * rng.standard_normal(len(COHERENT_KHZ))
        phase = rng.uniform(0, 2 * np.pi, len(COHERENT_KHZ))
        waves = amplitude[:, None] * np.sin(2 * np.pi * frequency[:, None] * time_ms + phase[:, None])
        boards[board] = waves[:lines].sum(axis=0) + hv
    boards *= settings.coherent_noise
    return {plane: boards[femb_of_group(plane) - 1] for plane in PLANES}
