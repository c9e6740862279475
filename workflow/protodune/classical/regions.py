"""Regions of interest: by threshold on waveforms, and on deconvolved charge as Wire-Cell does (docs/physics.md)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protodune.classical.deconvolution import Deconvolved
from protodune.classical.medians import sorted_quantile
from protodune.detector.model import Plane
from protodune.events.regions import from_runs, runs, widened

REBIN = 6
_MIN_RMS = 1e-3


@dataclass(frozen=True)
class RegionSettings:
    """Thresholds in multiples of the noise of each channel: ``tight_sigma`` and ``loose_sigma`` to find regions,
    ``loose_edge`` down to which a loose region reaches (share of its threshold); ``min_peak`` and ``min_charge`` in
    electrons below which a region is taken for noise; ``trim``, the share of its peak below which a region's ends are cut
    off; ``neighbours``: a region must touch another one on a channel at most this far, 0: need not; ``pad`` ticks on either
    side.  ``collection_sigma``, ``collection_trim`` and ``collection_pad`` are those of collection planes."""

    tight_sigma: float = 2.5
    collection_sigma: float = 3.2
    loose_sigma: float = 3.4
    loose_edge: float = 0.67
    min_peak: float = 375.0
    min_charge: float = 750.0
    trim: float = 0.1
    collection_trim: float = 0.01
    neighbours: int = 1
    pad: int = 2
    collection_pad: int = 4


def noise_rms(image: np.ndarray) -> np.ndarray:
    """Return the noise of each channel, float32 (channels,): half the 16-84 % range, then the rms of what lies within
    five."""
    step = max(1, image.shape[1] // 500)  # a part of the ticks tells the range
    low, high = sorted_quantile(image[:, ::step], (0.16, 0.84))
    start = np.maximum((high - low) / 2, _MIN_RMS).astype(np.float32)
    middle = ((high + low) / 2).astype(np.float32)
    within = np.abs(image - middle[:, None]) < 5 * start[:, None]
    count = np.maximum(within.sum(axis=1), 1)
    return np.sqrt(np.einsum("ij,ij,ij->i", image, image, within, optimize=False) / count).astype(np.float32)


def threshold_regions(waveforms: np.ndarray, threshold: np.ndarray | float, before: int = 10, after: int = 20) -> np.ndarray:
    """Return where a waveform exceeds its threshold in size, extended by ticks before and after; bool, same shape."""
    return widened(np.abs(waveforms) > threshold, before, after)


def _rebin(image: np.ndarray) -> np.ndarray:
    n, ticks = image.shape
    padded = np.pad(image, ((0, 0), (0, -ticks % REBIN)), mode="edge")
    return padded.reshape(n, -1, REBIN).sum(axis=2)


def _hysteresis(image: np.ndarray, high: np.ndarray, low: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the runs above ``low`` (channels, 1) that somewhere exceed ``high``."""
    row, begin, end = runs(image > low)
    above = np.concatenate([[0], np.cumsum((image > high).ravel())])
    ticks = image.shape[1]
    keep = above[row * ticks + end] > above[row * ticks + begin]
    return row[keep], begin[keep], end[keep]


def _touching(row: np.ndarray, begin: np.ndarray, end: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return which runs meet a true tick of ``mask``, bool (runs,)."""
    total = np.concatenate([[0], np.cumsum(mask.ravel())])
    ticks = mask.shape[1]
    return total[row * ticks + np.minimum(end, ticks)] > total[row * ticks + np.maximum(begin, 0)]


def _spread(mask: np.ndarray, channels: int, itself: bool) -> np.ndarray:
    """Return the mask of the ticks that channels at most ``channels`` away have, with or without the channel itself."""
    found = mask.copy() if itself else np.zeros_like(mask)
    for shift in range(1, channels + 1):
        found[shift:] |= mask[:-shift]
        found[:-shift] |= mask[shift:]
    return found


def find_regions(images: Deconvolved, plane: Plane, settings: RegionSettings) -> np.ndarray:
    """Return the regions of interest of a plane, bool (channels, ticks).

    Tight regions: above ``tight_sigma`` noise + 1.  On induction also loose ones, in six ticks at a time, that touch a tight
    one on the same or a neighbouring channel: they hold what of a long pulse the tight filter stops.
    """
    shape = images.tight.shape
    chosen = (settings.collection_sigma, settings.collection_trim, settings.collection_pad)
    sigma, trim, pad = chosen if plane.collects else (settings.tight_sigma, settings.trim, settings.pad)
    tight_threshold = sigma * noise_rms(images.tight) + 1
    tight = images.tight > tight_threshold[:, None]
    mask = tight
    if not plane.collects:
        loose = _rebin(images.loose)
        threshold = settings.loose_sigma * noise_rms(loose)[:, None]
        row, begin, end = _hysteresis(loose, threshold, settings.loose_edge * threshold)
        begin, end = begin * REBIN, np.minimum(end * REBIN, shape[1])
        keep = _touching(row, begin, end, _spread(tight, 1, itself=True))
        mask = tight | from_runs(row[keep], begin[keep], end[keep], shape)
    row, begin, end = runs(mask)
    mask = from_runs(row, begin - pad, end + pad, shape)
    row, begin, end = runs(mask)
    charge = region_charge(images.charge, row, begin, end)
    peak, total = _peak_and_sum(charge, row, begin, end)
    keep = (peak > settings.min_peak) & (total > settings.min_charge)
    mask = from_runs(*_trimmed(charge, row[keep], begin[keep], end[keep], trim * peak[keep]), shape)
    if settings.neighbours:
        row, begin, end = runs(mask)
        keep = _touching(row, begin - 3, end + 3, _spread(mask, settings.neighbours, itself=False))
        mask = from_runs(row[keep], begin[keep], end[keep], shape)
    return mask


def _trimmed(
    charge: np.ndarray, row: np.ndarray, begin: np.ndarray, end: np.ndarray, least: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the runs from their first to their last tick above ``least`` electrons (runs,)."""
    if len(row) == 0:
        return row, begin, end
    which, tick = run_ticks(begin, end)
    above = charge[row[which], tick] >= least[which]
    which, tick = which[above], tick[above]  # at least the peak of every run is left
    starts = np.flatnonzero(np.diff(which, prepend=-1))
    return row, tick[starts], tick[np.append(starts[1:], len(tick)) - 1] + 1


def run_ticks(begin: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return number of the run and tick of every tick of all runs."""
    length = end - begin
    which = np.repeat(np.arange(len(begin)), length)
    return which, np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length) + begin[which]


def run_sums(values: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the sum of each run, float64 (runs,), from the values of all their ticks, one run after the other; every run
    has at least one."""
    if len(begin) == 0:
        return np.zeros(0)
    return np.add.reduceat(values.astype(np.float64), np.cumsum(end - begin) - (end - begin))


def region_charge(charge: np.ndarray, row: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the charge image inside runs, less the straight line through the ends of each; zero outside."""
    found = np.zeros_like(charge)
    if len(row) == 0:
        return found
    last_tick = charge.shape[1] - 1
    # Three ticks at each end tell the baseline better than one.
    first, last = (
        np.mean([charge[row, np.clip(at + k, 0, last_tick)] for k in (-1, 0, 1)], axis=0) for at in (begin, end - 1)
    )
    which, tick = run_ticks(begin, end)
    share = (tick - begin[which]) / np.maximum(end - begin - 1, 1)[which]
    found[row[which], tick] = charge[row[which], tick] - (first[which] * (1 - share) + last[which] * share)
    return found


def _peak_and_sum(charge: np.ndarray, row: np.ndarray, begin: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if len(row) == 0:
        return np.zeros(0), np.zeros(0)
    flat = charge.ravel()
    bounds = np.stack([row * charge.shape[1] + begin, row * charge.shape[1] + end], axis=1).ravel()
    # reduceat wants indices inside; the last region may end with the image.
    flat = np.append(flat, 0)
    return np.maximum.reduceat(flat, bounds)[::2], np.add.reduceat(flat, bounds)[::2]
