"""Labels that several tasks share: noise-free waveforms, and regions of interest."""

from __future__ import annotations

import numpy as np

from protodune.events.store import EventStore
from protodune.events.truth import LABEL_ADC, REGION_REBIN_TICKS, rebinned, region_truth


def clean_waveforms(store: EventStore, plane: str, image: int) -> np.ndarray:
    """Return the noise-free waveforms of a plane, float32 (channels, ticks), in ADC of the reference gain."""
    scale = store.plane(plane, image).adc_scale
    clean = store.clean(plane, image)
    return clean if scale == 1 else clean / np.float32(scale)


def true_charge(store: EventStore, plane: str, image: int) -> np.ndarray:
    """Return the charge that reached the wires of a plane, float32 (channels, ticks), electrons per tick."""
    return store.charge_image(plane, image)


def true_regions_mask(store: EventStore, plane: str, image: int) -> np.ndarray:
    """Return which pixels are in a region of interest, uint8 (channels, ticks): ten ticks at a time with more than 100
    electrons per tick, or where the sample has no true charge |clean| of at least 3.5 ADC, DUNEdn's choice."""
    if not store.has_charge:
        return (np.abs(clean_waveforms(store, plane, image)) >= LABEL_ADC).astype(np.uint8)
    truth = np.repeat(region_truth(store.charge_image(plane, image)), REGION_REBIN_TICKS, axis=1)
    return np.pad(truth, ((0, 0), (0, store.ticks - truth.shape[1]))).astype(np.uint8)


def majority(mask: np.ndarray, n: int) -> np.ndarray:
    """Return which slices of ``n`` ticks are mostly true, bool (channels, ticks // n)."""
    return rebinned(mask, n) > 0.5
