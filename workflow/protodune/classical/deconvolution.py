"""Two-dimensional deconvolution: from waveforms to the charge that reached the wires.

M(t, w) is divided by the response in the Fourier domain of time and wire, then filtered (Wire-Cell's signal processing for
ProtoDUNE-SP, docs/physics.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import scipy.fft

from protodune.core.blocks import ROWS, row_blocks
from protodune.detector.model import Plane
from protodune.detector.response import margin_ticks, response_spectrum

GAUSSIAN = (0.12, 2.0)
"""Sigma in MHz and power of exp(-1/2 (f / sigma)^power)."""
LOW_TIGHT_MHZ, LOW_LOOSE_MHZ = 0.014, 0.002
_GAP_ROWS = 20
_LEAST_GAIN = 1e-7
"""Frequencies of which all filters leave less are left out."""


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


def _rows(plane: Plane) -> tuple[np.ndarray, int]:
    """Return the row of each channel in the array that is transformed, and how many rows that has: some are empty after each
    run of neighbouring wires; wires without an end go on around the frame, as the transform does."""
    rows = np.arange(plane.n_channels)
    if not plane.segments:
        return rows, plane.n_channels
    shifted = np.concatenate([rows[first:stop] + i * _GAP_ROWS for i, (first, stop) in enumerate(plane.segments)])
    return shifted, plane.n_channels + len(plane.segments) * _GAP_ROWS


def _inverse(plane: Plane, length: int, n_rows: int, kept: int) -> np.ndarray:
    """Return the wire filter over the response, electrons per ADC, complex64 (n_rows // 2 + 1, kept frequencies): those of
    the wires that are left out are the same as these."""
    shared = (plane.field, plane.electronics, plane.tick_us, plane.deconvolution.wire_sigma)
    return _cached_inverse(shared, _Shape(plane, length, n_rows, kept))


@dataclass(frozen=True)
class _Shape:
    """Of the array that is transformed: its size, and a plane with the response, which does not tell shapes apart."""

    plane: Plane = field(compare=False)
    length: int
    n_rows: int
    kept: int


@lru_cache(maxsize=3)
def _cached_inverse(_: tuple, shape: _Shape) -> np.ndarray:
    plane, length, n_rows = shape.plane, shape.length, shape.n_rows
    reach, wire = np.arange(plane.field.reach + 1), np.arange(n_rows // 2 + 1)[:, None]
    weight = np.where(reach == 0, 1, 2) * np.cos(2 * np.pi * wire / n_rows * reach)
    response = weight.astype(np.complex64) @ np.stack([response_spectrum(plane, int(r), length) for r in reach])
    # Where the response has no power nothing is known; the filters leave nothing there.
    size = np.abs(response)
    response[size < 1e-6 * size.max()] = np.inf
    wire_filter = np.exp(-0.5 * (2 * wire / n_rows / plane.deconvolution.wire_sigma) ** 2).astype(np.float32)
    return wire_filter / response[:, : shape.kept]


def _padding(plane: Plane, ticks: int) -> tuple[slice, int]:
    """Return where a record of ``ticks`` lies in the array that is transformed, and that array's length."""
    pad = margin_ticks(plane.tick_us)
    return slice(pad, pad + ticks), scipy.fft.next_fast_len(ticks + 2 * pad, real=True)


def _filters(plane: Plane, frequency: np.ndarray) -> dict[str, np.ndarray]:
    tight = high_frequency_filter(frequency, plane.deconvolution.wiener_mhz, plane.deconvolution.wiener_power)
    induction = not plane.collects
    return {
        "tight": tight * (low_frequency_filter(frequency, LOW_TIGHT_MHZ) if induction else 1),
        "loose": tight * (low_frequency_filter(frequency, LOW_LOOSE_MHZ) if induction else 1),
        "charge": high_frequency_filter(frequency, *GAUSSIAN),
    }


def _images(waveforms: np.ndarray, plane: Plane, workers: int, wanted: tuple[str, ...]) -> dict[str, np.ndarray]:
    inner, length = _padding(plane, waveforms.shape[1])
    filters = _filters(plane, scipy.fft.rfftfreq(length, plane.tick_us))
    gains = np.stack([filters[name] for name in wanted]).astype(np.float32)
    kept = 1 + int(np.flatnonzero(gains.max(axis=0) > _LEAST_GAIN)[-1])
    spectrum = _charge_spectrum(waveforms, plane, kept, workers)
    images = {name: np.empty(waveforms.shape, np.float32) for name in wanted}
    for rows in row_blocks(len(waveforms), ROWS * workers):
        for name, gain in zip(wanted, gains, strict=True):
            image = scipy.fft.irfft(spectrum[rows] * gain[:kept], length, axis=1, workers=workers)
            images[name][rows] = image[:, inner]
    return images


def _charge_spectrum(waveforms: np.ndarray, plane: Plane, kept: int, workers: int) -> np.ndarray:
    """Return the spectrum along time of the charge of each channel, complex64 (channels, kept frequencies)."""
    inner, length = _padding(plane, waveforms.shape[1])
    place, n_rows = _rows(plane)
    spectrum = np.zeros((n_rows, kept), np.complex64)
    for rows in row_blocks(len(waveforms), ROWS * workers):
        padded = np.zeros((rows.stop - rows.start, length), np.float32)
        padded[:, inner] = waveforms[rows]
        spectrum[place[rows]] = scipy.fft.rfft(padded, axis=1, workers=workers)[:, :kept]
    spectrum = scipy.fft.fft(spectrum, axis=0, workers=workers, overwrite_x=True)
    inverse = _inverse(plane, length, n_rows, kept)
    spectrum[: len(inverse)] *= inverse
    spectrum[len(inverse) :] *= inverse[n_rows - len(inverse) : 0 : -1]
    return scipy.fft.ifft(spectrum, axis=0, workers=workers, overwrite_x=True)[place]


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
    place, n_rows = _rows(plane)
    hit = np.flatnonzero(charge.any(axis=1))
    total = np.zeros((n_rows, length), np.float32)
    padded = np.zeros((len(hit), length), np.float32)
    padded[:, inner] = charge[hit]
    spectrum = scipy.fft.rfft(padded, axis=1, workers=workers)
    for r in range(plane.field.reach + 1):
        seen = scipy.fft.irfft(spectrum * response_spectrum(plane, r, length), length, axis=1, workers=workers)
        for shift in {-r, r}:
            total[(place[hit] + shift) % n_rows] += seen
    return total[place, inner]
