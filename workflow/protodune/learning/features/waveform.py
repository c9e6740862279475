"""The features ``waveform``: waveforms, and what the channels of a front-end board have in common."""

from __future__ import annotations

import numpy as np

from protodune.classical.coherent import group_median
from protodune.classical.sticky import mend_sticky_codes
from protodune.classical.tails import restore_baseline
from protodune.events.store import EventStore
from protodune.learning.featureset import FeatureSet, Inputs, reference_adc


def plane_features(store: EventStore, name: str, image: int, inputs: Inputs | None = None) -> np.ndarray:
    """Return the set ``waveform`` for one plane, float32 (2, channels, ticks), ADC of the reference gain.

    Image 0: pedestal-subtracted waveforms, sticky codes mended, tails removed (no window that a network sees is long enough
    to tell them), bad channels zero.  Image 1: the median of the board's good channels at the same tick, an estimate of
    their common noise.
    """
    plane = store.plane(name, image)
    bad = store.bad(name, image)
    waveforms = reference_adc(mended_waveforms(store, name, image), plane.adc_scale)
    median = group_median(waveforms, plane.group_size, bad if bad.any() else None)
    features = np.empty((2, *waveforms.shape), np.float32)
    features[0] = waveforms
    features[1].reshape(-1, plane.group_size, waveforms.shape[1])[:] = median[:, None]
    return features


def mended_waveforms(store: EventStore, name: str, image: int) -> np.ndarray:
    """Return waveforms with sticky codes mended and tails removed, float32 (channels, ticks), ADC of the detector."""
    plane, adc = store.plane(name, image), store.adc(name, image)
    waveforms = mend_sticky_codes(store.waveforms(name, image, adc), adc, store.bad(name, image), plane)
    return restore_baseline(waveforms, plane)


FEATURES = FeatureSet(names=("waveform", "group_median"), rebin=1, build=plane_features, augment="waveform")
