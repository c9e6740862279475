"""Which particles left the true regions of a plane, and how densely they ionised."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from protodune.events.regions import runs
from protodune.events.store import EventStore
from protodune.events.truth import REGION_REBIN_TICKS, region_truth
from protodune.events.types import CLASS_TRACK, THETA_COLUMNS

ONE_PARTICLE_SHARE = 0.9
"""A region is of one particle if that gave this share of its charge."""
MIP_ELECTRONS_PER_MM = 5040.0
"""A minimum ionising particle: 1.7 MeV/cm, 23.6 eV per pair, 0.7 of them survive recombination (docs/physics.md)."""


@dataclass
class TrueRegions:
    """The true regions of a plane (runs of ``region_truth``), one entry each.

    ``row`` channel row, ``begin`` and ``end`` in ticks, ``electrons``; ``particle`` of the largest contribution, its row of
    the particle list or -1, ``share`` of the charge that it gave and ``second`` that of the next one; ``theta_deg``
    theta_xz of the particle in this plane and ``ionisation`` in minimum ionising particles, both NaN unless one track made
    the region.
    """

    row: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    electrons: np.ndarray
    particle: np.ndarray
    share: np.ndarray
    second: np.ndarray
    theta_deg: np.ndarray
    ionisation: np.ndarray

    def where(self, kept: np.ndarray) -> TrueRegions:
        """Return the regions of a mask, bool (regions,)."""
        return TrueRegions(*(getattr(self, f.name)[kept] for f in fields(self)))


def true_regions(store: EventStore, plane: str, image: int) -> TrueRegions:
    """Return the true regions of one plane of a simulated image with true charge.

    The path below a wire is that of a straight track in the direction in which the particle set out, pitch / |component
    along the pitch|; a wrapped wire counts as one of the face that looks at the drift volume.
    """
    truth = region_truth(store.charge_image(plane, image))
    row, begin, end = runs(truth)
    number = np.full(truth.shape, -1)
    number[truth] = np.repeat(np.arange(len(row)), end - begin)
    charge, particle = store.charge(plane, image), store.charge_particles(plane, image)
    pixel = charge.tick // REGION_REBIN_TICKS
    inside = pixel < truth.shape[1]
    channel_row = (charge.channel - store.channel(plane, image)[0]).astype(np.int64)
    region = number[channel_row[inside], pixel[inside]]
    kept = region >= 0
    region, particle, electrons = region[kept], particle[inside][kept], charge.electrons[inside][kept].astype(np.float64)

    total = np.bincount(region, electrons, minlength=len(row)).astype(np.float64)
    first, share, second = _largest_two(region, particle, electrons, len(row))
    share, second = (np.divide(part, total, out=np.zeros_like(total), where=total > 0) for part in (share, second))
    listed = store.particles(image)
    theta, ionisation = np.full((2, len(row)), np.nan)
    one = np.flatnonzero((first >= 0) & (share >= ONE_PARTICLE_SHARE))
    one = one[listed["class"][first[one]] == CLASS_TRACK] if len(listed) else one[:0]
    if len(one):
        made = listed[first[one]]
        seen = store.plane(plane, image)
        theta[one] = made[THETA_COLUMNS[store.detector.plane_names.index(plane)]]
        normal = seen.facing_wires.normal
        along = np.abs(made["direction_y"] * normal[0] + made["direction_z"] * normal[1])
        path_mm = seen.pitch_mm / np.maximum(along, 1e-3)
        ionisation[one] = total[one] / path_mm / MIP_ELECTRONS_PER_MM
    ticks = (begin * REGION_REBIN_TICKS, end * REGION_REBIN_TICKS)
    return TrueRegions(row, *ticks, total, first, share, second, theta, ionisation)


def _largest_two(
    region: np.ndarray, particle: np.ndarray, electrons: np.ndarray, n_regions: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return of each region the particle of most electrons (-1: none), what it gave, and what the next one gave."""
    pairs, place = np.unique(np.stack([region, particle]), axis=1, return_inverse=True)
    given = np.bincount(place.ravel(), electrons, minlength=pairs.shape[1])
    order = np.lexsort([-given, pairs[0]])
    pairs, given = pairs[:, order], given[order]
    start = np.flatnonzero(np.diff(pairs[0], prepend=-1))
    first, most, next_ = np.full(n_regions, -1), np.zeros(n_regions), np.zeros(n_regions)
    first[pairs[0, start]], most[pairs[0, start]] = pairs[1, start], given[start]
    following = start + 1
    following = following[following < pairs.shape[1]]
    following = following[pairs[0, following] == pairs[0, following - 1]]
    next_[pairs[0, following]] = given[following]
    return first, most, next_
