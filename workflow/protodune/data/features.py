"""Input images of the networks."""

from __future__ import annotations

import numpy as np

from protodune.classical.coherent import group_median
from protodune.classical.sticky import mend_sticky_codes
from protodune.classical.tails import restore_baseline
from protodune.geometry import PLANES
from protodune.store import EventStore


def plane_features(store: EventStore, plane: str, image: int) -> np.ndarray:
    """Return the input of a network for one plane, float32 (2, channels, ticks), ADC.

    Channel 0: pedestal-subtracted waveforms, sticky codes mended, tails removed, bad channels zero: what no window that a
    network sees is long enough to tell.  Channel 1: the median of the front-end board's good
    channels at the same tick, which is an estimate of their common noise.
    """
    size = PLANES[plane].group_size
    bad = store.bad(plane, image)
    waveforms = mend_sticky_codes(store.waveforms(plane, image), store.adc(plane, image), bad)
    waveforms = restore_baseline(waveforms, plane)
    median = group_median(waveforms, size, bad if bad.any() else None)
    return np.stack([waveforms, np.repeat(median, size, axis=0)])
