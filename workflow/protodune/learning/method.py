"""A trained network as a method: from an event store, and products of earlier steps, to a product file."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
import torch

from protodune.classical.cut import apply_cut
from protodune.core.energy import EnergyMeter, in_words
from protodune.core.files import checksum
from protodune.core.memory import keep_freed_memory
from protodune.core.provenance import versions
from protodune.events.making import make_products
from protodune.events.products import DEFAULT_THRESHOLD, Output, Place, PlaneProduct
from protodune.events.store import EventStore
from protodune.learning.chain import open_inputs
from protodune.learning.choice import choose
from protodune.learning.combination import REGIONS, check_combined, combined
from protodune.learning.derivation import derivations_of
from protodune.learning.featureset import Inputs, check_inputs
from protodune.learning.inference import fold_norms, infer_plane
from protodune.learning.network import Network
from protodune.learning.runtime import INT8, Executor, Model, int8_about
from protodune.learning.weights import load_weights

PLANES_AT_ONCE = 4
"""Threads with planes of their own; each needs memory for one."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NetworkSettings:
    """``task`` and, unless None, ``model`` and ``network`` must be those of the weights; denoised values of size up to
    ``cut_adc`` (ADC of the reference gain) become zero; ``threshold`` is the score at which a pixel belongs to a region,
    None: what the weights say, or 0.5; ``combine``: by earlier step the weight of its scores of regions (``combined``);
    ``runtime`` and ``precision``: of ``choice.RUNTIMES`` and ``choice.PRECISIONS``; ``memory_mb`` for activations, None: as
    ``inference`` finds it."""

    task: str
    model: str | None = None
    network: str | None = None
    cut_adc: float = 0.0
    threshold: float | None = None
    combine: Mapping[str, float] = field(default_factory=dict)
    runtime: str = "torch"
    precision: str = "float32"
    memory_mb: int | None = None


@dataclass(frozen=True)
class TrainedMethod:
    """A network with the settings of its use, on its device, with the runtime and precision that were chosen; ``about`` is
    what product files say of it; ``workers``: planes at the same time."""

    network: Network
    settings: NetworkSettings
    family: str
    executor: Executor
    about: dict
    workers: int = 1


def load_method(settings: NetworkSettings, family: str, weights: str, threads: int = 1) -> TrainedMethod:
    """Load the weights of a network for the planes of a family; ``threads`` that the process may use: each has planes of its
    own, or in large numbers several share one."""
    keep_freed_memory()
    workers = max(1, min(threads, PLANES_AT_ONCE))
    torch.set_num_threads(max(1, threads // workers))
    expected = {"task": settings.task, "model": settings.model, "network": settings.network, "family": family}
    network, trained = load_weights(weights, expected)
    fold_norms(network.module)
    if torch.cuda.is_available():
        network.module.cuda()
    model = Model(network, weights)
    chosen = choose(model, settings.runtime, settings.precision, max(1, threads // workers), workers)
    log.info("%s: runtime %s, precision %s: %s", weights, chosen.runtime, chosen.precision, chosen.because)
    about = {
        "task": settings.task,
        "threshold": settings.threshold or trained.get("threshold", DEFAULT_THRESHOLD),
        "settings": asdict(settings),
        **chosen.about(),
        "weights": weights,
        "weights_sha256": checksum(weights),
        "trained": trained,
        "versions": versions("numpy", "scipy", "torch", *({chosen.runtime} - {"torch"})),
    }
    if chosen.precision == INT8:
        about["int8"] = int8_about(model)
    return TrainedMethod(network, settings, family, chosen.executor, about, workers)


def infer_sample(
    method: TrainedMethod,
    step: str,
    name: str,
    events: str,
    output: str,
    inputs: Mapping[str, str] | None = None,
    code: str | None = "",
) -> None:
    """Write what a network makes of the planes of its family in a sample, as method ``name`` of a step.

    ``inputs``: product files by the step that made them; ``code``: digest of the code, with which an interrupted run may go
    on; None: it does not.
    """
    paths, network, family = dict(inputs or {}), method.network, method.family
    about = {**method.about, "step": step, "method": name, "inputs": paths}
    meter = EnergyMeter()
    with contextlib.ExitStack() as stack:
        products = open_inputs(paths, stack)
        with EventStore(events) as store:
            check_inputs(network.spec.features, products, store, family)
            check_combined(method.settings.combine, products, network, store, family)
            count = len({store.event_id(image) for image in range(len(store))})
        planes = PlanesByNetwork(method, products)
        state = None if code is None else _state(code, paths)
        scope = network.task_spec.scope
        make_products(planes, events, family, planes.outputs, output, about, state, scope, method.workers)
    log.info("%s: %s", events, in_words(meter.joules() / max(1, count), f"per event for {family} ({meter.source})"))


def _state(code: str, paths: Mapping[str, str]) -> str:
    """What must be the same for an interrupted run to go on: the code and the input files."""
    if not paths:
        return code
    states = [(step, Path(path).stat()) for step, path in sorted(paths.items())]
    return json.dumps([code, [(step, state.st_size, state.st_mtime_ns) for step, state in states]])


class PlanesByNetwork:
    """A method as ``make_products`` takes it: each plane by itself through one network."""

    def __init__(self, method: TrainedMethod, inputs: Inputs):
        self._network, self._settings, self._executor = method.network, method.settings, method.executor
        self._inputs, self._threshold = inputs, method.about["threshold"]
        self._derived = derivations_of(self._network)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What it makes of a plane: the outputs of the network, and what is computed from them."""
        return tuple(dict.fromkeys(chain(self._network.outputs, *self._derived)))

    def __call__(self, store: EventStore, group: list[Place]) -> list[PlaneProduct]:
        """Return what the network makes of each of the places."""
        return [self._plane(store, place) for place in group]

    def _plane(self, store: EventStore, place: Place) -> PlaneProduct:
        network, settings, chosen = self._network, self._settings, self._network.features
        features = chosen.build(store, place.plane.name, place.image, self._inputs)
        product = infer_plane(network, features, self._executor, settings.memory_mb)
        del features  # what follows needs its memory
        scale = place.plane.adc_scale
        for output in network.outputs:
            image = product[output.name]
            if output.name == REGIONS and settings.combine:
                others = {
                    step: self._inputs[step].image(REGIONS, place.plane.name, place.image) for step in settings.combine
                }
                image = combined(image, others, settings.combine, chosen.rebin)
            if chosen.rebin > 1:
                image = refined(image, chosen.rebin, store.ticks)
            if output.unit == "ADC" and scale != 1:
                image = image * np.float32(scale)
            if output.name == "denoised":
                image = apply_cut(image, settings.cut_adc * scale)
            product[output.name] = image
        for derivation in self._derived.values():
            product |= derivation.run(store, place, product, self._threshold)
        return product


def refined(coarse: np.ndarray, rebin: int, ticks: int) -> np.ndarray:
    """Return an image of slices of ``rebin`` ticks by tick, (..., channels, ticks); ticks that no slice covers are 0."""
    fine = np.repeat(coarse, rebin, axis=-1)
    return np.pad(fine, [(0, 0)] * (fine.ndim - 1) + [(0, ticks - fine.shape[-1])])
