"""Augmentation of training patches that the physics allows, the same whoever computes it."""

from __future__ import annotations

import numpy as np

GAIN_SPREAD = 0.15


def augment(features: np.ndarray, clean: np.ndarray, roi: np.ndarray, indices: np.ndarray, seed: int, epoch: int) -> None:
    """Vary patches in place: features float32 (n, 2, h, w), clean and roi (n, 1, h, w).

    Along the channels they are mirrored with even chance: the response is the same on both sides of a wire, and boards
    mirror with their channels.  (Not along time, where pulses have a direction.)  Signal and noise are scaled together by
    up to 15 %.  Draws depend on (seed, epoch, patch) only.
    """
    for place, index in enumerate(indices):
        rng = np.random.default_rng([seed, epoch, int(index)])
        gain = np.float32(rng.uniform(1 - GAIN_SPREAD, 1 + GAIN_SPREAD))
        features[place] *= gain
        clean[place] *= gain
        if rng.uniform() < 0.5:
            for image in (features, clean, roi):
                image[place] = image[place, :, ::-1].copy()
