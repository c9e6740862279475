"""The features ``waveform``: waveforms, and what a front-end board's channels have in common."""

from __future__ import annotations

import numpy as np

from protodune.classical.coherent import group_median
from protodune.classical.sticky import mend_sticky_codes
from protodune.classical.tails import restore_baseline
from protodune.learning.features.registry import FeatureSet
from protodune.detector.geometry import PLANES
from protodune.events.store import EventStore


def plane_features(store: EventStore, plane: str, image: int) -> np.ndarray:
    """Return the set ``waveform`` for one plane, float32 (2, channels, ticks), ADC.

    Channel 0: pedestal-subtracted waveforms, sticky codes mended, tails removed, bad channels zero: what no window that a
    network sees is long enough to tell.  Channel 1: the median of the front-end board's good channels at the same tick,
    which is an estimate of their common noise.
    """
    size = PLANES[plane].group_size
    bad = store.bad(plane, image)
    waveforms = mended_waveforms(store, plane, image)
    median = group_median(waveforms, size, bad if bad.any() else None)
    return np.stack([waveforms, np.repeat(median, size, axis=0)])


def mended_waveforms(store: EventStore, plane: str, image: int) -> np.ndarray:
    """Return waveforms with sticky codes mended and tails removed, float32 (channels, ticks), ADC."""
    waveforms = mend_sticky_codes(store.waveforms(plane, image), store.adc(plane, image), store.bad(plane, image))
    return restore_baseline(waveforms, plane)


FEATURES = FeatureSet(("waveform", "group_median"), 1, plane_features)
