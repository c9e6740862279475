"""Deconvolved planes of a store, from the digits on: what features of networks and the charge of regions are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from protodune.classical.coherent import low_pass, remove_coherent_noise
from protodune.classical.deconvolution import deconvolve
from protodune.classical.regions import RegionSettings, find_regions, region_charge
from protodune.events.regions import from_runs, runs
from protodune.events.store import EventStore
from protodune.events.truth import rebinned
from protodune.learning.features.waveform import mended_waveforms

_PAD_TICKS = 8
_REGIONS = RegionSettings(collection_sigma=5.0, collection_trim=0.1, collection_pad=2)
"""Those with which the shipped weights were trained: narrow on collection, whose regions say where charge is for sure."""
_KEPT = 3
"""Planes that are kept: those of a unit, which follow each other."""


@dataclass(frozen=True, eq=False)
class DeconvolvedPlane:
    """Charge of a plane in electrons per tick, float32: ``image`` (channels, ticks) without a filter of low frequencies;
    means over ten ticks, (channels, ticks // 10), of the images ``loose`` and ``tight`` and of the charge in classical
    ``regions``."""

    image: np.ndarray
    loose: np.ndarray
    tight: np.ndarray
    regions: np.ndarray


@lru_cache(maxsize=_KEPT)
def deconvolved_plane(store: EventStore, name: str, image: int) -> DeconvolvedPlane:
    """Return a plane of an image, deconvolved after low-pass and removal of coherent noise; the last three are kept."""
    plane, bad = store.plane(name, image), store.bad(name, image)
    waveforms = remove_coherent_noise(low_pass(mended_waveforms(store, name, image), plane), plane, bad)
    waveforms[bad] = 0
    images = deconvolve(waveforms, plane)
    row, begin, end = runs(find_regions(images, plane, _REGIONS))
    wider = from_runs(row, begin - _PAD_TICKS, end + _PAD_TICKS, images.charge.shape)
    in_regions = region_charge(images.charge, *runs(wider))
    return DeconvolvedPlane(images.charge, rebinned(images.loose), rebinned(images.tight), rebinned(in_regions))
