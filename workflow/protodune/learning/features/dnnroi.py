"""The features ``dnnroi``: deconvolved charge, and where wires of other planes point at the same place."""

from __future__ import annotations

import numpy as np

from protodune.classical.multiplane import multi_plane
from protodune.core.errors import ProtoduneError
from protodune.events.store import EventStore
from protodune.events.truth import REGION_REBIN_TICKS
from protodune.learning.deconvolved import deconvolved_plane
from protodune.learning.featureset import FeatureSet, Inputs

ELECTRONS_PER_UNIT = 125.0
MP_THRESHOLD_ELECTRONS, MP_CANDIDATE_ELECTRONS = 1000.0, 500.0
MP_VALUE = 32.0
"""Inside a multi-plane image, 4000 electrons in units of 125."""
N_PLANES = 3


def dnnroi_features(store: EventStore, name: str, image: int, inputs: Inputs | None = None) -> np.ndarray:
    """Return the set ``dnnroi`` for an induction plane, float32 (3, channels, ticks // 10), units of 125 electrons per tick.

    The loosely filtered deconvolved charge, means over ten ticks; and MP2 and MP3, 32 inside and 0 outside, from the regions
    of the classical deconvolution with more than 1000 electrons in ten ticks on the other planes (500 on this one).
    """
    mp2, mp3 = crossings(store, name, image)
    loose = deconvolved_plane(store, name, image).loose / ELECTRONS_PER_UNIT
    found = np.stack([loose, MP_VALUE * mp2, MP_VALUE * mp3]).astype(np.float32)
    found[:, store.bad(name, image)] = 0
    return found


def crossings(store: EventStore, name: str, image: int) -> tuple[np.ndarray, np.ndarray]:
    """Return MP2 and MP3 of an induction plane, bool (channels, ticks // 10), as ``dnnroi_features`` defines them."""
    unit = store.detector.units[store.unit[image]]
    if unit.planes[name].collects:
        raise ProtoduneError(
            f"features of several planes: found collection plane {name}, expected an induction plane; collection "
            "charge needs no other plane"
        )
    if len(unit.planes) != N_PLANES:
        raise ProtoduneError(
            f"features of several planes: {len(unit.planes)} planes in a unit, expected {N_PLANES}; take other features"
        )
    planes = {other: deconvolved_plane(store, other, image) for other in unit.planes}
    charges = {other: REGION_REBIN_TICKS * plane.regions for other, plane in planes.items()}
    active = {other: charge > MP_THRESHOLD_ELECTRONS for other, charge in charges.items() if other != name}
    return multi_plane(unit, name, active, charges[name] > MP_CANDIDATE_ELECTRONS)


FEATURES = FeatureSet(
    names=("loose", "mp2", "mp3"), rebin=10, build=dnnroi_features, wirecell_tags=("loose_lf", "mp2_roi", "mp3_roi")
)
