"""The charge of regions of interest, from a deconvolved image.

Deconvolution amplifies slow noise without a signal in it, so the baseline of a region is a straight line from before it to
behind it.  There the charge of a prolonged track on neighbouring wires, spread by the wire filter, must have ended: the
longer a region, the farther away.  What the wire filter takes from a wire with charge of its own is given back to long
regions; in short ones the noise that this costs is more than what it mends (docs/physics.md).

The error of a region's charge has two parts: the noise of a sum between the baselines, less such a line, as windows without
signal show it, times a factor for the edges of the region and the charge of its neighbours; and a share of the charge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from scipy.ndimage import convolve1d, uniform_filter1d

from protodune.classical.charge_noise import SumNoise, quiet_noise
from protodune.classical.regions import run_sums, run_ticks
from protodune.detector.model import Plane
from protodune.events.regions import from_runs, runs
from protodune.events.truth import REGION_REBIN_TICKS, rebinned

_KERNEL_WIRES, _KERNEL_LENGTH = 5, 2048
_SMOOTHED_PIXELS = 7
_MOST_GAIN = 2.0
_LEAST_ELECTRONS = 0.1


@dataclass(frozen=True)
class ChargeSettings:
    """``pad``: the baseline lies as many ticks beyond the ends of a region, or its length less ``short`` ticks if that is
    more, but at most ``most_pad``; ``baseline`` ticks outside of that tell it on induction planes, ``collection_baseline``
    on collection; charge is counted as far as the baseline, but not more than ``counted`` ticks beyond the ends; of regions
    of ``gain_from`` to ``gain_to`` ticks more and more of what the wire filter took is given back.  The error is
    ``noise_factor`` (``collection_noise_factor``) times the noise of a sum over the region, in squares with
    ``relative_error`` times its charge."""

    pad: int = 6
    short: int = 14
    most_pad: int = 100
    baseline: int = 9
    collection_baseline: int = 25
    counted: int = 40
    gain_from: int = 40
    gain_to: int = 90
    noise_factor: float = 1.8
    collection_noise_factor: float = 1.0
    relative_error: float = 0.03


@dataclass(frozen=True)
class MeasuredCharge:
    """``charge`` and its ``error``, float32 (channels, ticks), electrons per tick, zero outside regions.

    The error of a sum of charge over ticks of one region is the sum of their errors: what is wrong with the baseline of a
    region is wrong with all of its ticks.
    """

    charge: np.ndarray
    error: np.ndarray


def measured_charge(
    image: np.ndarray,
    mask: np.ndarray,
    plane: Plane,
    settings: ChargeSettings | None = None,
    noise: SumNoise | None = None,
) -> MeasuredCharge:
    """Return the charge of regions with its error.

    ``image``: deconvolved charge in electrons per tick without a filter of low frequencies (``Deconvolved.charge``);
    ``mask`` bool of the same shape, the regions; ``noise`` of sums, None: as the image shows it outside the regions.
    """
    settings = settings or ChargeSettings()
    measured = MeasuredCharge(np.zeros_like(image), np.zeros_like(image))
    row, begin, end = runs(mask)
    if len(row) == 0:
        return measured
    pad = np.clip(end - begin - settings.short, settings.pad, settings.most_pad)
    near = np.minimum(pad, settings.counted)
    counted = from_runs(row, begin - near, end + near, mask.shape)
    far = runs(from_runs(row, begin - pad, end + pad, mask.shape))
    width = settings.collection_baseline if plane.collects else settings.baseline
    charge = _less_lines(image, ~mask, far, width)
    row, begin, end = runs(counted)
    which, tick = run_ticks(begin, end)
    before = run_sums(charge[row[which], tick], begin, end)
    if not plane.collects:
        _give_back(charge, far, plane, settings)
    measured.charge[row[which], tick] = charge[row[which], tick]
    after = run_sums(charge[row[which], tick], begin, end)
    grown = np.clip(after / np.maximum(before, 1), 1, _MOST_GAIN)
    noise = noise or quiet_noise(image, counted, width)
    factor = settings.collection_noise_factor if plane.collects else settings.noise_factor
    around = (far[2] - far[1])[_runs_around(far, row, begin, mask.shape[1])]
    per_tick = np.hypot(factor * grown * noise.of(row, around) / around, settings.relative_error * after / (end - begin))
    measured.error[row[which], tick] = per_tick[which]
    return measured


def _runs_around(
    of: tuple[np.ndarray, np.ndarray, np.ndarray], row: np.ndarray, begin: np.ndarray, ticks: int
) -> np.ndarray:
    """Return which of the runs, (row, begin, end) in order, holds each of the places ``row`` and ``begin``."""
    return np.searchsorted(of[0] * ticks + of[1], row * ticks + begin, side="right") - 1


def _less_lines(
    image: np.ndarray, quiet: np.ndarray, of: tuple[np.ndarray, np.ndarray, np.ndarray], width: int
) -> np.ndarray:
    """Return the image in runs, (row, begin, end), less the straight line through the baseline before and behind each; zero
    outside."""
    row, begin, end = of
    first, last = _baselines(image, quiet, row, begin, end, width)
    which, tick = run_ticks(begin, end)
    share = (tick - begin[which]) / np.maximum(end - begin - 1, 1)[which]
    charge = np.zeros_like(image)
    charge[row[which], tick] = image[row[which], tick] - (first[which] * (1 - share) + last[which] * share)
    return charge


def _give_back(
    charge: np.ndarray, of: tuple[np.ndarray, np.ndarray, np.ndarray], plane: Plane, settings: ChargeSettings
) -> None:
    """Give back to long runs, (row, begin, end), what the wire filter took from them."""
    row, begin, end = of
    weight = np.clip((end - begin - settings.gain_from) / max(settings.gain_to - settings.gain_from, 1), 0, 1)
    long = np.flatnonzero(weight > 0)
    gain = wire_gain(charge, plane)
    which, tick = run_ticks(begin[long], end[long])
    row, pixel = row[long][which], np.minimum(tick // REGION_REBIN_TICKS, gain.shape[1] - 1)
    charge[row, tick] *= 1 + weight[long].astype(np.float32)[which] * (gain[row, pixel] - 1)


def _baselines(
    image: np.ndarray, quiet: np.ndarray, row: np.ndarray, begin: np.ndarray, end: np.ndarray, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the means of ``width`` ticks at the begin and at the end of every run, all but two outside of it, float64
    (runs,): of those ticks that are ``quiet``, bool (channels, ticks), or if none is of all that there are."""
    means = []
    for low in (begin + 2 - width, end - 2):
        first = np.clip(low, 0, image.shape[1] - 1)
        last = np.clip(low + width, first + 1, image.shape[1])
        tick = first[:, None] + np.arange(width)
        inside = tick < last[:, None]
        at = (row[:, None], np.minimum(tick, image.shape[1] - 1))
        chosen = inside & quiet[at]
        chosen = np.where(chosen.any(axis=1)[:, None], chosen, inside)
        means.append(np.sum(image[at], axis=1, where=chosen, dtype=np.float64) / chosen.sum(axis=1))
    return means[0], means[1]


def wire_kernel(plane: Plane) -> np.ndarray:
    """Return what the wire filter of the deconvolution makes of one wire's charge on it and five wires to either side,
    float32 (11,)."""
    frequency = np.abs(scipy.fft.fftfreq(_KERNEL_LENGTH)) * 2
    kernel = scipy.fft.ifft(np.exp(-0.5 * (frequency / plane.deconvolution.wire_sigma) ** 2)).real
    return np.roll(kernel, _KERNEL_WIRES)[: 2 * _KERNEL_WIRES + 1].astype(np.float32)


def wire_gain(charge: np.ndarray, plane: Plane) -> np.ndarray:
    """Return by how much charge must grow to be what it was before the wire filter, float32 (channels, ticks // 10), 1 to 2.

    ``charge`` float32 (channels, ticks), zero outside regions.  The ratio of the charge, smoothed along time, to what the
    filter makes of it: one step of Richardson and Lucy.  Between wires that share their charge it is 1.
    """
    smooth = np.maximum(uniform_filter1d(rebinned(charge), _SMOOTHED_PIXELS, axis=1), 0)
    spread = np.zeros_like(smooth)
    for first, stop in plane.segments or ((0, len(smooth)),):
        convolve1d(
            smooth[first:stop], wire_kernel(plane), axis=0, output=spread[first:stop],
            mode="constant" if plane.segments else "wrap",
        )  # fmt: skip
    known = spread > _LEAST_ELECTRONS
    gain = np.divide(smooth, spread, out=np.ones_like(smooth), where=known)
    return np.clip(gain, 1, _MOST_GAIN)
