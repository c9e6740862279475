"""The features ``wirecell6``: the six images that Wire-Cell's newer networks take."""

from __future__ import annotations

import numpy as np

from protodune.events.store import EventStore
from protodune.events.truth import rebinned
from protodune.learning.deconvolved import deconvolved_plane
from protodune.learning.features.dnnroi import ELECTRONS_PER_UNIT, MP_VALUE, crossings
from protodune.learning.featureset import FeatureSet, Inputs


def wirecell6_features(store: EventStore, name: str, image: int, inputs: Inputs | None = None) -> np.ndarray:
    """Return the set ``wirecell6`` for an induction plane, float32 (6, channels, ticks // 10), units of 125
    electrons per tick.

    Those of ``dnnroi``; the tightly filtered charge; the charge without a filter of low frequencies; and that in the
    regions of the classical deconvolution, less their baseline.  Means over ten ticks.
    """
    mp2, mp3 = crossings(store, name, image)
    plane = deconvolved_plane(store, name, image)
    charges = [c / ELECTRONS_PER_UNIT for c in (plane.loose, plane.tight, rebinned(plane.image), plane.regions)]
    found = np.stack([charges[0], MP_VALUE * mp2, MP_VALUE * mp3, *charges[1:]]).astype(np.float32)
    found[:, store.bad(name, image)] = 0
    return found


FEATURES = FeatureSet(
    names=("loose", "mp2", "mp3", "tight", "charge", "regions"),
    rebin=10,
    build=wirecell6_features,
    wirecell_tags=("loose_lf", "mp2_roi", "mp3_roi", "tight_lf", "decon_charge", "gauss"),
)
