"""Sets of input images of the networks, found by name.

Each is a module of its own with one ``FEATURES``, imported when it is asked for: an edit of the deconvolution trains no
network again that does not use it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from protodune.core.errors import ProtoduneError
from protodune.core.registry import load, names
from protodune.events.products import Products
from protodune.events.store import EventStore

PACKAGE = "protodune.learning.features"
AUGMENTATIONS = ("none", "waveform")

Inputs = Mapping[str, Products]
"""Products of earlier steps of the chain, by the name of the step."""


@dataclass(frozen=True)
class FeatureSet:
    """Input images of a network.

    ``names`` of the images; ``rebin``: ticks that make one pixel; ``build`` (store, plane name, image, inputs) returns
    float32 (len(names), channels, ticks // rebin), waveforms in ADC of the reference gain; ``reads``: tasks whose products
    it needs, of which ``inputs`` holds one each; ``augment``: how patches of it may be varied
    (``learning.training.augment``); ``wirecell_tags``: tags, without the number of the APA, of Wire-Cell's images that are
    the same but in electrons per tick, where these are in units of 125; none where it has no such images.
    """

    names: tuple[str, ...]
    rebin: int
    build: Callable[[EventStore, str, int, Inputs], np.ndarray]
    reads: tuple[str, ...] = ()
    augment: str = "none"
    wirecell_tags: tuple[str, ...] = ()

    def __post_init__(self):
        if not self.names or self.rebin < 1 or self.augment not in AUGMENTATIONS:
            raise ProtoduneError(
                f"features: {len(self.names)} names, rebin {self.rebin}, augment '{self.augment}'; expected 1 or more, 1 or "
                f"more, {' | '.join(AUGMENTATIONS)}"
            )


@cache
def find_features(name: str) -> FeatureSet:
    """Return a set: one of ``protodune.learning.features``, or of a module of your own (``package.module``)."""
    return load(PACKAGE, name, "FEATURES", FeatureSet, "feature set")


def feature_names() -> list[str]:
    """Names of the feature sets that come with the package."""
    return names(PACKAGE)


def reference_adc(values: np.ndarray, scale: float) -> np.ndarray:
    """Return waveforms of a plane with this ``adc_scale`` in ADC of the reference gain; the same array where it is 1."""
    return values if scale == 1 else values / np.float32(scale)


def input_of(inputs: Inputs, task: str) -> Products:
    """Return the products of the one step with this task, or say that there are none or several."""
    found = {step: products for step, products in inputs.items() if products.about.get("task") == task}
    if len(found) != 1:
        has = ", ".join(f"{step} (task {p.about.get('task')})" for step, p in inputs.items()) or "none"
        raise ProtoduneError(
            f"features: products of {len(found)} steps with the task '{task}', expected one; found {has}; give them with "
            "--inputs STEP=FILE, or 'reads' of the step in the configuration"
        )
    return next(iter(found.values()))


def check_inputs(name: str, inputs: Inputs, store: EventStore, family: str) -> None:
    """Raise a ProtoduneError unless the products that a feature set reads are there, of these events and planes."""
    for task in find_features(name).reads:
        products = input_of(inputs, task)
        products.check_matches(store)
        if products.family != family:
            raise ProtoduneError(f"{products.path}: products of {products.family} planes, expected those of {family}")
