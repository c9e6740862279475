"""Two-dimensional deconvolution: from waveforms to the charge that reached the wires.

M(t, w) is divided by the response in the Fourier domain of time and wire, then filtered (Wire-Cell's signal processing for
ProtoDUNE-SP, docs/physics.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from protodune.detector.geometry import TICK_US
from protodune.detector.response import WIRE_REACH, response_spectrum

# sigma in MHz and power of exp(-1/2 (f / sigma)^power), by plane.
WIENER_TIGHT = {"U": (0.148788, 3.76194), "V": (0.1596568, 4.36125), "X": (0.13623, 3.35324)}
GAUSSIAN = (0.12, 2.0)
LOW_TIGHT_MHZ, LOW_LOOSE_MHZ = 0.014, 0.002
WIRE_SIGMA = {"U": 0.75 / np.sqrt(np.pi), "V": 0.75 / np.sqrt(np.pi), "X": 10 / np.sqrt(np.pi)}
"""Width of the wire filter, 1 is the Nyquist frequency."""
_PAD_TICKS = 128
_FACE_ROWS = 480
_GAP_ROWS = 20


@dataclass
class Deconvolved:
    """Images of charge in electrons a tick, float32 (channels, ticks): ``tight`` and ``loose`` to find regions, ``charge``
    (Gaussian filter) to measure them."""

    tight: np.ndarray
    loose: np.ndarray
    charge: np.ndarray


def low_frequency_filter(frequency_mhz: np.ndarray, tau_mhz: float) -> np.ndarray:
    """Return 1 - exp(-(f / tau)^2), which stops what is slower than the longest signal."""
    return 1 - np.exp(-((frequency_mhz / tau_mhz) ** 2))


def high_frequency_filter(frequency_mhz: np.ndarray, sigma_mhz: float, power: float) -> np.ndarray:
    """Return exp(-1/2 (f / sigma)^power)."""
    return np.exp(-0.5 * (frequency_mhz / sigma_mhz) ** power)


def _with_gaps(image: np.ndarray, plane: str) -> np.ndarray:
    """Put empty rows after each face of collection; induction wires go on around the frame, as the transform does."""
    if plane != "X":
        return image
    gap = np.zeros((_GAP_ROWS, image.shape[1]), image.dtype)
    return np.concatenate([image[:_FACE_ROWS], gap, image[_FACE_ROWS:], gap])


def _without_gaps(image: np.ndarray, plane: str) -> np.ndarray:
    if plane != "X":
        return image
    return np.concatenate([image[:_FACE_ROWS], image[_FACE_ROWS + _GAP_ROWS : -_GAP_ROWS]])


def _response(plane: str, length: int, n_rows: int) -> np.ndarray:
    """Return the response in ADC per electron, complex64 (rows, frequencies)."""
    k = 2 * np.pi * np.arange(n_rows) / n_rows
    total = np.zeros((n_rows, length // 2 + 1), np.complex64)
    for r in range(WIRE_REACH + 1):
        weight = (np.ones(n_rows) if r == 0 else 2 * np.cos(r * k)).astype(np.float32)
        total += weight[:, None] * response_spectrum(plane, r, length)
    return total


def _lengths(ticks: int) -> int:
    return scipy.fft.next_fast_len(ticks + 2 * _PAD_TICKS, real=True)


def deconvolve(waveforms: np.ndarray, plane: str, workers: int = 1) -> Deconvolved:
    """Deconvolve a plane's waveforms, float32 (channels, ticks) in ADC, pedestal and coherent noise removed."""
    ticks = waveforms.shape[1]
    length = _lengths(ticks)
    rows = _with_gaps(waveforms, plane)
    n_rows = len(rows)
    padded = np.zeros((n_rows, length), np.float32)
    padded[:, _PAD_TICKS : _PAD_TICKS + ticks] = rows
    spectrum = scipy.fft.fft(scipy.fft.rfft(padded, axis=1, workers=workers), axis=0, workers=workers)
    wire_frequency = np.abs(scipy.fft.fftfreq(n_rows)) * 2
    wire_filter = np.exp(-0.5 * (wire_frequency / WIRE_SIGMA[plane]) ** 2).astype(np.float32)
    response = _response(plane, length, n_rows)
    # Where the response has no power nothing is known; the filters leave nothing there.
    size = np.abs(response)
    response[size < 1e-6 * size.max()] = np.inf
    spectrum *= wire_filter[:, None] / response
    spectrum = scipy.fft.ifft(spectrum, axis=0, workers=workers)

    frequency = scipy.fft.rfftfreq(length, TICK_US)
    tight = high_frequency_filter(frequency, *WIENER_TIGHT[plane])
    induction = plane != "X"
    filters = {
        "tight": tight * (low_frequency_filter(frequency, LOW_TIGHT_MHZ) if induction else 1),
        "loose": tight * (low_frequency_filter(frequency, LOW_LOOSE_MHZ) if induction else 1),
        "charge": high_frequency_filter(frequency, *GAUSSIAN),
    }
    images = {}
    for name, gain in filters.items():
        image = scipy.fft.irfft(spectrum * gain.astype(np.float32), length, axis=1, workers=workers)
        images[name] = _without_gaps(image[:, _PAD_TICKS : _PAD_TICKS + ticks], plane)
    return Deconvolved(**images)


def convolve(charge: np.ndarray, plane: str, workers: int = 1) -> np.ndarray:
    """Return the waveforms in ADC of charge in electrons a tick, float32 (channels, ticks); inverse of ``deconvolve`` but
    for its filters."""
    ticks = charge.shape[1]
    length = _lengths(ticks)
    rows = _with_gaps(charge, plane)
    hit = np.flatnonzero(rows.any(axis=1))
    total = np.zeros((len(rows), length), np.float32)
    padded = np.zeros((len(hit), length), np.float32)
    padded[:, _PAD_TICKS : _PAD_TICKS + ticks] = rows[hit]
    spectrum = scipy.fft.rfft(padded, axis=1, workers=workers)
    for r in range(WIRE_REACH + 1):
        seen = scipy.fft.irfft(spectrum * response_spectrum(plane, r, length), length, axis=1, workers=workers)
        for shift in {-r, r}:
            there = (hit + shift) % len(rows)
            total[there] += seen
    return _without_gaps(total[:, _PAD_TICKS : _PAD_TICKS + ticks], plane)
