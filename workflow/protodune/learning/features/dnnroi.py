"""The features ``dnnroi``: deconvolved charge, and where wires of other planes point at the same place."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from protodune.classical.coherent import low_pass, remove_coherent_noise
from protodune.classical.deconvolution import deconvolve
from protodune.classical.multiplane import multi_plane
from protodune.classical.regions import RegionSettings, find_regions, region_charge
from protodune.core.errors import ProtoduneError
from protodune.events.regions import from_runs, runs
from protodune.events.store import EventStore
from protodune.events.truth import REGION_REBIN_TICKS, rebinned
from protodune.learning.features.waveform import mended_waveforms
from protodune.learning.featureset import FeatureSet, Inputs

ELECTRONS_PER_UNIT = 125.0
MP_THRESHOLD_ELECTRONS, MP_CANDIDATE_ELECTRONS = 1000.0, 500.0
MP_VALUE = 32.0
"""Inside a multi-plane image, 4000 electrons in units of 125."""
N_PLANES = 3
_CHARGE_PAD_TICKS = 8


def dnnroi_features(store: EventStore, name: str, image: int, inputs: Inputs | None = None) -> np.ndarray:
    """Return the set ``dnnroi`` for an induction plane, float32 (3, channels, ticks // 10), units of 125 electrons per tick.

    The loosely filtered deconvolved charge, means over ten ticks; and MP2 and MP3, 32 inside and 0 outside, from the regions
    of the classical deconvolution with more than 1000 electrons in ten ticks on the other planes (500 on this one).
    """
    unit = store.detector.units[store.unit[image]]
    if unit.planes[name].collects:
        raise ProtoduneError(
            f"features dnnroi: found collection plane {name}, expected an induction plane; collection charge needs no other "
            "plane"
        )
    if len(unit.planes) != N_PLANES:
        raise ProtoduneError(
            f"features dnnroi: {len(unit.planes)} planes in a unit, expected {N_PLANES}; take other features"
        )
    planes = _deconvolved(store, image)
    charges = {other: REGION_REBIN_TICKS * rebinned(charge) for other, (_, charge) in planes.items()}
    active = {other: charge > MP_THRESHOLD_ELECTRONS for other, charge in charges.items() if other != name}
    mp2, mp3 = multi_plane(unit, name, active, charges[name] > MP_CANDIDATE_ELECTRONS)
    loose = rebinned(planes[name][0]) / ELECTRONS_PER_UNIT
    found = np.stack([loose, MP_VALUE * mp2, MP_VALUE * mp3]).astype(np.float32)
    found[:, store.bad(name, image)] = 0
    return found


@lru_cache(maxsize=1)
def _deconvolved(store: EventStore, image: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return loose image and charge in regions of all planes of a unit, float32 (channels, ticks), electrons per tick; the
    last answer is kept, since the induction planes follow each other."""
    found, settings = {}, RegionSettings()
    for name, plane in store.detector.units[store.unit[image]].planes.items():
        bad = store.bad(name, image)
        waveforms = remove_coherent_noise(low_pass(mended_waveforms(store, name, image), plane), plane, bad)
        waveforms[bad] = 0
        images = deconvolve(waveforms, plane)
        row, begin, end = runs(find_regions(images, plane, settings))
        wider = from_runs(row, begin - _CHARGE_PAD_TICKS, end + _CHARGE_PAD_TICKS, images.charge.shape)
        found[name] = images.loose, region_charge(images.charge, *runs(wider))
    return found


FEATURES = FeatureSet(
    names=("loose", "mp2", "mp3"), rebin=10, build=dnnroi_features, wirecell_tags=("loose_lf", "mp2_roi", "mp3_roi")
)
