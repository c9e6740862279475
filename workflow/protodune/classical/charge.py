"""The charge of regions of interest, from a deconvolved image.

Deconvolution amplifies slow noise without a signal in it, so the baseline of a region is a straight line from before it to
behind it.  There the charge of a prolonged track on neighbouring wires, spread by the wire filter, must have ended: the
longer a region, the farther away.  What the wire filter takes from a wire with charge of its own is given back to long
regions; in short ones the noise that this costs is more than what it mends (docs/physics.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from scipy.ndimage import convolve1d, uniform_filter1d

from protodune.classical.regions import run_ticks
from protodune.detector.model import Plane
from protodune.events.regions import from_runs, runs
from protodune.events.truth import REGION_REBIN_TICKS, rebinned

_KERNEL_WIRES, _KERNEL_LENGTH = 5, 2048
_SMOOTHED_PIXELS = 7
_MOST_GAIN = 2.0
_LEAST_ELECTRONS = 0.1


@dataclass(frozen=True)
class ChargeSettings:
    """``pad``: charge is counted as many ticks beyond the ends of a region, or its length less ``short`` ticks if that is
    more, but at most ``most_pad``; ``baseline`` ticks outside of that tell the baseline on induction planes,
    ``collection_baseline`` on collection; of regions of ``gain_from`` to ``gain_to`` ticks more and more of what the wire
    filter took is given back."""

    pad: int = 6
    short: int = 14
    most_pad: int = 100
    baseline: int = 9
    collection_baseline: int = 25
    gain_from: int = 40
    gain_to: int = 90


def measured_charge(image: np.ndarray, mask: np.ndarray, plane: Plane, settings: ChargeSettings | None = None) -> np.ndarray:
    """Return the charge of regions, float32 (channels, ticks), electrons per tick, zero outside.

    ``image``: deconvolved charge in electrons per tick without a filter of low frequencies (``Deconvolved.charge``);
    ``mask`` bool of the same shape, the regions.
    """
    settings = settings or ChargeSettings()
    row, begin, end = runs(mask)
    pad = np.clip(end - begin - settings.short, settings.pad, settings.most_pad)
    row, begin, end = runs(from_runs(row, begin - pad, end + pad, mask.shape))
    found = np.zeros_like(image)
    if len(row) == 0:
        return found
    width = settings.collection_baseline if plane.collects else settings.baseline
    first, last = _baselines(image, ~mask, row, begin, end, width)
    which, tick = run_ticks(begin, end)
    share = (tick - begin[which]) / np.maximum(end - begin - 1, 1)[which]
    found[row[which], tick] = image[row[which], tick] - (first[which] * (1 - share) + last[which] * share)
    if not plane.collects:
        weight = np.clip((end - begin - settings.gain_from) / max(settings.gain_to - settings.gain_from, 1), 0, 1)
        long = weight[which] > 0
        which, tick = which[long], tick[long]
        gain = wire_gain(found, plane)
        pixel = np.minimum(tick // REGION_REBIN_TICKS, gain.shape[1] - 1)
        found[row[which], tick] *= 1 + weight[which].astype(np.float32) * (gain[row[which], pixel] - 1)
    return found


def _baselines(
    image: np.ndarray, quiet: np.ndarray, row: np.ndarray, begin: np.ndarray, end: np.ndarray, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the means of ``width`` ticks at the begin and at the end of every run, all but two outside of it, float64
    (runs,): of those ticks that are ``quiet``, bool (channels, ticks), or if none is of all that there are."""
    summed = [np.pad(np.cumsum(part, axis=1, dtype=np.float64), ((0, 0), (1, 0))) for part in (image * quiet, quiet, image)]
    means = []
    for low in (begin + 2 - width, end - 2):
        first = np.clip(low, 0, image.shape[1] - 1)
        last = np.clip(low + width, first + 1, image.shape[1])
        of_quiet, count, of_all = (total[row, last] - total[row, first] for total in summed)
        means.append(np.where(count > 0, of_quiet / np.maximum(count, 1), of_all / (last - first)))
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
