"""Sets of input images of the networks, found by name.

Each is a module of its own that is imported when it is asked for, so that the digest of a job's code holds the sets that it
uses and no other: an edit of the deconvolution trains no network again that knows nothing of it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from protodune.events.store import EventStore

FEATURE_MODULES = {"waveform": "protodune.learning.features.waveform", "dnnroi": "protodune.learning.features.dnnroi"}
"""The dag knows them too, for the digests: ``protodune.dag.targets.feature_module``."""


@dataclass(frozen=True)
class FeatureSet:
    """``build`` (store, plane, image) returns float32 (len(names), channels, ticks // rebin)."""

    names: tuple[str, ...]
    rebin: int
    build: Callable[[EventStore, str, int], np.ndarray]


def feature_set(name: str) -> FeatureSet:
    """Return a set by its name in ``FEATURE_MODULES``."""
    return importlib.import_module(FEATURE_MODULES[name]).FEATURES
