"""Variation of training patches that the physics allows, the same whoever computes it."""

from __future__ import annotations

import numpy as np

from protodune.learning.patch_files import Patches

GAIN_SPREAD = 0.15
NOISE_SPREAD = 0.15
PEDESTAL_ADC = 0.2


def augment(patches: Patches, indices: np.ndarray, seed: int, epoch: int) -> None:
    """Vary patches of the features ``waveform`` in place, by their noise-free waveforms.

    Along the channels they are mirrored with even chance: the response is the same on both sides of a wire, and boards
    mirror with their channels.  (Not along time, where pulses have a direction.)  What is not signal is scaled by up to
    15 %, then all of it by up to 15 %, and the noise-free waveforms with it, whether they are a label or not; pedestals of
    good channels move by 0.2 ADC rms.  Draws depend on (seed, epoch, patch) only.
    """
    features, clean = patches.features, patches.clean
    for place, index in enumerate(indices):
        rng = np.random.default_rng([seed, epoch, int(index)])
        gain, noise = (np.float32(rng.uniform(1 - spread, 1 + spread)) for spread in (GAIN_SPREAD, NOISE_SPREAD))
        offset = rng.normal(0, PEDESTAL_ADC, (features.shape[2], 1)).astype(np.float32)
        waveform, median, signal = features[place, 0], features[place, 1], clean[place, 0]
        good = (waveform != 0).any(axis=1, keepdims=True)
        waveform[:] = gain * (signal + noise * (waveform - signal)) + offset * good
        median *= gain * noise
        signal *= gain
        if rng.uniform() < 0.5:
            for image in (features, *patches.labels.values()):
                image[place] = image[place, :, ::-1].copy()
