"""Two-dimensional deconvolution: from waveforms to the charge that reached the wires.

M(t, w) is divided by the response in the Fourier domain of time and wire, then filtered (Wire-Cell's signal processing for
ProtoDUNE-SP, docs/physics.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from protodune.detector.model import Plane
from protodune.detector.response import margin_ticks, response_spectrum

GAUSSIAN = (0.12, 2.0)
"""Sigma in MHz and power of exp(-1/2 (f / sigma)^power)."""
LOW_TIGHT_MHZ, LOW_LOOSE_MHZ = 0.014, 0.002
_GAP_ROWS = 20


@dataclass
class Deconvolved:
    """Images of charge in electrons per tick, float32 (channels, ticks): ``tight`` and ``loose`` to find regions, ``charge``
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


def _with_gaps(image: np.ndarray, plane: Plane) -> np.ndarray:
    """Put empty rows after each run of neighbouring wires; wires without an end go on around the frame, as the transform
    does."""
    if not plane.segments:
        return image
    gap = np.zeros((_GAP_ROWS, image.shape[1]), image.dtype)
    return np.concatenate([part for first, stop in plane.segments for part in (image[first:stop], gap)])


def _without_gaps(image: np.ndarray, plane: Plane) -> np.ndarray:
    """Return the rows of the plane; the inverse of ``_with_gaps``."""
    if not plane.segments:
        return image
    shifted = [(first + i * _GAP_ROWS, stop + i * _GAP_ROWS) for i, (first, stop) in enumerate(plane.segments)]
    return np.concatenate([image[first:stop] for first, stop in shifted])


def _response(plane: Plane, length: int, n_rows: int) -> np.ndarray:
    """Return the response in ADC per electron, complex64 (rows, frequencies)."""
    reach = np.arange(plane.field.reach + 1)
    weight = np.where(reach == 0, 1, 2) * np.cos(2 * np.pi * np.arange(n_rows)[:, None] / n_rows * reach)
    return weight.astype(np.complex64) @ np.stack([response_spectrum(plane, int(r), length) for r in reach])


def _padding(plane: Plane, ticks: int) -> tuple[slice, int]:
    """Return where a record of ``ticks`` lies in the array that is transformed, and that array's length."""
    pad = margin_ticks(plane.tick_us)
    return slice(pad, pad + ticks), scipy.fft.next_fast_len(ticks + 2 * pad, real=True)


def _charge_spectrum(waveforms: np.ndarray, plane: Plane, workers: int) -> tuple[np.ndarray, slice, int]:
    """Return the spectrum along time of the charge of each row, complex64, where the record lies, and its length."""
    inner, length = _padding(plane, waveforms.shape[1])
    rows = _with_gaps(waveforms, plane)
    n_rows = len(rows)
    padded = np.zeros((n_rows, length), np.float32)
    padded[:, inner] = rows
    spectrum = scipy.fft.fft(scipy.fft.rfft(padded, axis=1, workers=workers), axis=0, workers=workers)
    wire_frequency = np.abs(scipy.fft.fftfreq(n_rows)) * 2
    wire_filter = np.exp(-0.5 * (wire_frequency / plane.deconvolution.wire_sigma) ** 2).astype(np.float32)
    response = _response(plane, length, n_rows)
    # Where the response has no power nothing is known; the filters leave nothing there.
    size = np.abs(response)
    response[size < 1e-6 * size.max()] = np.inf
    spectrum *= wire_filter[:, None] / response
    return scipy.fft.ifft(spectrum, axis=0, workers=workers), inner, length


def _filters(plane: Plane, frequency: np.ndarray) -> dict[str, np.ndarray]:
    tight = high_frequency_filter(frequency, plane.deconvolution.wiener_mhz, plane.deconvolution.wiener_power)
    induction = not plane.collects
    return {
        "tight": tight * (low_frequency_filter(frequency, LOW_TIGHT_MHZ) if induction else 1),
        "loose": tight * (low_frequency_filter(frequency, LOW_LOOSE_MHZ) if induction else 1),
        "charge": high_frequency_filter(frequency, *GAUSSIAN),
    }


def _images(waveforms: np.ndarray, plane: Plane, workers: int, wanted: tuple[str, ...]) -> dict[str, np.ndarray]:
    spectrum, inner, length = _charge_spectrum(waveforms, plane, workers)
    gains = _filters(plane, scipy.fft.rfftfreq(length, plane.tick_us))
    images = {}
    for name in wanted:
        image = scipy.fft.irfft(spectrum * gains[name].astype(np.float32), length, axis=1, workers=workers)
        images[name] = _without_gaps(image[:, inner], plane)
    return images


def deconvolve(waveforms: np.ndarray, plane: Plane, workers: int = 1) -> Deconvolved:
    """Deconvolve a plane's waveforms, float32 (channels, ticks) in ADC, pedestal and coherent noise removed."""
    return Deconvolved(**_images(waveforms, plane, workers, ("tight", "loose", "charge")))


def deconvolved_charge(waveforms: np.ndarray, plane: Plane, workers: int = 1) -> np.ndarray:
    """Return the image ``charge`` of ``deconvolve`` alone, float32 (channels, ticks), electrons per tick."""
    return _images(waveforms, plane, workers, ("charge",))["charge"]


def convolve(charge: np.ndarray, plane: Plane, workers: int = 1) -> np.ndarray:
    """Return the waveforms in ADC of charge in electrons per tick, float32 (channels, ticks); inverse of ``deconvolve`` but
    for its filters."""
    inner, length = _padding(plane, charge.shape[1])
    rows = _with_gaps(charge, plane)
    hit = np.flatnonzero(rows.any(axis=1))
    total = np.zeros((len(rows), length), np.float32)
    padded = np.zeros((len(hit), length), np.float32)
    padded[:, inner] = rows[hit]
    spectrum = scipy.fft.rfft(padded, axis=1, workers=workers)
    for r in range(plane.field.reach + 1):
        seen = scipy.fft.irfft(spectrum * response_spectrum(plane, r, length), length, axis=1, workers=workers)
        for shift in {-r, r}:
            there = (hit + shift) % len(rows)
            total[there] += seen
    return _without_gaps(total[:, inner], plane)
