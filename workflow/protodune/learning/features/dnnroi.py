"""The features ``dnnroi``: deconvolved charge, and where wires of other planes point at the same place."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from protodune.classical.coherent import low_pass, remove_coherent_noise
from protodune.classical.deconvolution import deconvolve
from protodune.classical.multiplane import multi_plane
from protodune.classical.roi import RoiSettings, find_regions, measured_charge
from protodune.learning.features.registry import FeatureSet
from protodune.learning.features.waveform import mended_waveforms
from protodune.core.errors import ProtoduneError
from protodune.detector.geometry import PLANES
from protodune.events.truth import ROI_REBIN_TICKS, rebinned
from protodune.events.store import EventStore

ELECTRONS_PER_UNIT = 125.0
MP_THRESHOLD_ELECTRONS, MP_CANDIDATE_ELECTRONS = 1000.0, 500.0
MP_VALUE = 32.0
"""Inside a multi-plane image, 4000 electrons in units of 125."""


def dnnroi_features(store: EventStore, plane: str, image: int) -> np.ndarray:
    """Return the set ``dnnroi`` for an induction plane, float32 (3, channels, ticks // 10), units of 125 electrons a tick.

    The loosely filtered deconvolved charge, means over ten ticks; and MP2 and MP3, 32 inside and 0 outside, from the regions
    of the classical deconvolution with more than 1000 electrons in ten ticks on the other planes (500 on this one).
    """
    if plane == "X":
        raise ProtoduneError("features dnnroi: found plane X, expected U or V; collection charge needs no other plane")
    planes = _deconvolved(store, image)
    charges = {name: ROI_REBIN_TICKS * rebinned(charge) for name, (_, charge) in planes.items()}
    active = {name: charge > MP_THRESHOLD_ELECTRONS for name, charge in charges.items() if name != plane}
    mp2, mp3 = multi_plane(plane, active, charges[plane] > MP_CANDIDATE_ELECTRONS)
    loose = rebinned(planes[plane][0]) / ELECTRONS_PER_UNIT
    found = np.stack([loose, MP_VALUE * mp2, MP_VALUE * mp3]).astype(np.float32)
    found[:, store.bad(plane, image)] = 0
    return found


@lru_cache(maxsize=1)
def _deconvolved(store: EventStore, image: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return loose image and charge in regions of all planes, float32 (channels, ticks), electrons a tick; the last answer
    is kept, since U and V follow each other."""
    found, settings = {}, RoiSettings()
    for plane, info in PLANES.items():
        bad = store.bad(plane, image)
        waveforms = remove_coherent_noise(low_pass(mended_waveforms(store, plane, image)), info.group_size, bad)
        waveforms[bad] = 0
        images = deconvolve(waveforms, plane)
        found[plane] = images.loose, measured_charge(images, find_regions(images, plane, settings), settings)
    return found


FEATURES = FeatureSet(("loose", "mp2", "mp3"), ROI_REBIN_TICKS, dnnroi_features)
