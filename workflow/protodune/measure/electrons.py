"""Electrons found and true: in true regions, and in segments of tracks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protodune.events.regions import runs
from protodune.measure.charge import CHARGE_PAD_TICKS
from protodune.measure.spec import Subject

MIN_ELECTRONS = 5000.0
"""Regions with less are not asked for their charge: a fifth of what a minimum ionising particle leaves on a wire."""
SEGMENT_CHANNELS = 8
"""A segment is what one track left on so many neighbouring channels, with at least half as many regions."""


@dataclass(frozen=True)
class Electrons:
    """``found`` and ``true`` electrons, float64 (n,), of regions or segments; ``row``: (first) channel row; ``theta_deg``:
    theta_xz of the track that left it, NaN unless it was one; ``particle``: row of that with the largest part, or -1."""

    found: np.ndarray
    true: np.ndarray
    row: np.ndarray
    theta_deg: np.ndarray
    particle: np.ndarray

    def errors(self, rows: np.ndarray | None = None) -> np.ndarray:
        """Return found / true - 1, of those on the channels ``rows`` alone if they are given."""
        kept = slice(None) if rows is None else np.isin(self.row, rows)
        return (self.found / self.true - 1)[kept]


def region_electrons(subject: Subject) -> Electrons:
    """Return the electrons of true regions of good channels from 10 ticks before to 10 ticks after them; regions with fewer
    than 5000 true electrons are left out."""
    regions, ticks = subject.true_regions, subject.store.ticks
    first, last = np.maximum(regions.begin - CHARGE_PAD_TICKS, 0), np.minimum(regions.end + CHARGE_PAD_TICKS, ticks)
    images = (subject.output("charge"), subject.true_charge)
    found, true = (_sums(image, regions.row, first, last) for image in images)
    enough = true > MIN_ELECTRONS
    return Electrons(found[enough], true[enough], regions.row[enough], regions.theta_deg[enough], regions.particle[enough])


def found_electrons(subject: Subject) -> tuple[Electrons, np.ndarray]:
    """Return the electrons of the regions that a method measured, runs of its ``charge_error``, and their errors, electrons
    float64 (n,); regions with fewer than 5000 true electrons are left out.  Angle and particle are not known."""
    row, begin, end = runs(subject.output("charge_error") > 0)
    good = subject.good[row]
    row, begin, end = row[good], begin[good], end[good]
    images = (subject.output("charge"), subject.true_charge, subject.output("charge_error"))
    found, true, error = (_sums(image, row, begin, end) for image in images)
    enough = true > MIN_ELECTRONS
    n = int(enough.sum())
    return Electrons(found[enough], true[enough], row[enough], np.full(n, np.nan), np.full(n, -1)), error[enough]


def _sums(image: np.ndarray, row: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the sums of an image over ranges of ticks, float64 (n,)."""
    total = np.pad(np.cumsum(image, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    return total[row, end] - total[row, begin]


def segment_electrons(subject: Subject) -> Electrons:
    """Return the electrons of the segments of tracks: sums over the regions that one track left on eight neighbouring
    channels."""
    regions = region_electrons(subject)
    one = np.flatnonzero(np.isfinite(regions.theta_deg))
    keys = np.stack([regions.particle[one], regions.row[one] // SEGMENT_CHANNELS])
    segments, first, place, count = np.unique(keys, axis=1, return_index=True, return_inverse=True, return_counts=True)
    n = segments.shape[1]
    found, true = (np.bincount(place.ravel(), values[one], minlength=n) for values in (regions.found, regions.true))
    kept = count >= SEGMENT_CHANNELS // 2
    of = one[first[kept]]
    return Electrons(found[kept], true[kept], regions.row[of], regions.theta_deg[of], regions.particle[of])
