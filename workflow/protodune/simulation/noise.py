"""Electronic noise: incoherent by the plane's spectrum, coherent by front-end board (docs/physics.md)."""

from __future__ import annotations

import numpy as np
import scipy.fft

from protodune.detector.model import Detector, NoiseSpectrum, Plane, Unit
from protodune.simulation.settings import SimulationSettings


def mean_amplitude(spectrum: NoiseSpectrum, length: int, tick_us: float) -> np.ndarray:
    """Return the mean amplitude of the noise in mV in a DFT over ``length`` ticks of ``tick_us``, (length // 2 + 1,).

    At the same power per MHz it grows with the root of the number of ticks and of their rate.
    """
    frequency = scipy.fft.rfftfreq(length, tick_us)
    return spectrum.amplitude(frequency) * np.sqrt(length / spectrum.ticks * spectrum.tick_us / tick_us)


def incoherent_noise(
    rng: np.random.Generator, plane: Plane, ticks: int, settings: SimulationSettings, level: np.ndarray
) -> np.ndarray:
    """Return noise of every channel of a plane, float32 (channels, ticks), ADC; ``level`` float32 (channels,) scales it."""
    length = scipy.fft.next_fast_len(ticks, real=True)
    amplitude = mean_amplitude(plane.noise, length, plane.tick_us)
    # The spectrum gives mean amplitudes; the mean of a Rayleigh amplitude is sigma sqrt(pi/2).
    amplitude = (amplitude * np.sqrt(2 / np.pi) * plane.electronics.adc_per_mv * settings.incoherent_noise).astype(
        np.float32
    )
    spectrum = rng.standard_normal((len(level), 2 * len(amplitude)), dtype=np.float32).view(np.complex64)
    spectrum *= amplitude
    spectrum *= level[:, None]
    return scipy.fft.irfft(spectrum, length, axis=1)[:, :ticks]


def coherent_noise(
    rng: np.random.Generator, detector: Detector, unit: Unit, ticks: int, settings: SimulationSettings
) -> dict[str, np.ndarray | None]:
    """Return the noise that the channels of a front-end board share, by plane: float32 (groups, ticks), ADC; None of a
    detector without.

    Every board has its own amplitudes, frequencies and phases; the high-voltage lines are common to all.
    """
    known = detector.coherent_noise
    if known is None:
        return dict.fromkeys(unit.planes)
    time_ms = np.arange(ticks) * detector.tick_us * 1e-3
    hv_phase = rng.uniform(0, 2 * np.pi, len(known.hv))
    hv = sum(a * np.sin(2 * np.pi * f * time_ms + p) for (f, a), p in zip(known.hv, hv_phase, strict=True))
    labels = np.unique([label for plane in unit.planes.values() for label in plane.boards])
    boards = np.empty((len(labels), ticks), np.float32)
    for board in range(len(labels)):
        lines = known.short_lines if board == known.short_board else len(known.adc)
        amplitude = np.array(known.adc) + known.amplitude_jitter_adc * rng.standard_normal(len(known.adc))
        frequency = np.array(known.khz) + known.frequency_jitter_khz * rng.standard_normal(len(known.khz))
        phase = rng.uniform(0, 2 * np.pi, len(known.khz))
        waves = amplitude[:, None] * np.sin(2 * np.pi * frequency[:, None] * time_ms + phase[:, None])
        boards[board] = waves[:lines].sum(axis=0) + hv
    boards *= settings.coherent_noise
    return {name: boards[np.searchsorted(labels, plane.boards)] for name, plane in unit.planes.items()}
