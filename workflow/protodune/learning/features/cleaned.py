"""The features ``cleaned``: what an earlier step with the task ``denoise`` made of a plane."""

from __future__ import annotations

import numpy as np

from protodune.events.store import EventStore
from protodune.learning.featureset import FeatureSet, Inputs, input_of, reference_adc

REGION_VALUE = 32.0
"""A score of 1, so that scores and waveforms have sizes alike; patches hold steps of an eighth."""


def cleaned_features(store: EventStore, name: str, image: int, inputs: Inputs) -> np.ndarray:
    """Return the set ``cleaned`` for one plane, float32 (2, channels, ticks): denoised waveforms in ADC of the reference
    gain, and 32 times the score of regions, 0 where the earlier step found none."""
    products = input_of(inputs, "denoise")
    denoised = reference_adc(products.image("denoised", name, image), store.plane(name, image).adc_scale)
    found = np.zeros((2, *denoised.shape), np.float32)
    found[0] = denoised
    if products.has("regions"):
        np.multiply(products.image("regions", name, image), np.float32(REGION_VALUE), out=found[1])
    return found


FEATURES = FeatureSet(names=("denoised", "regions"), rebin=1, build=cleaned_features, reads=("denoise",))
