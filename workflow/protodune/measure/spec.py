"""A measure: what is computed of a method's products of one plane, and the definitions of the metrics that it gives.

Tables, the headline and the axes of figures take the heads and units of metrics from here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from protodune.core.errors import ProtoduneError, suggest
from protodune.core.registry import load, names
from protodune.detector.model import Plane
from protodune.events.products import Products
from protodune.events.store import EventStore
from protodune.events.true_regions import TrueRegions, true_regions
from protodune.events.truth import region_truth
from protodune.tasks.spec import find_task

PACKAGE = "protodune.measure.known"
LEVELS = ("scores", "details")
"""``scores`` are what the tables of methods show, ``details`` what the figures and the reproduction are made of."""


@dataclass(frozen=True)
class Metric:
    """One number that a measure gives.

    ``head``: what stands above its column; ``unit``: its physical unit, empty for pure numbers; ``axis``: what stands at the
    axis of a figure where that is longer; ``headline``: whether the headline table shows it.
    """

    name: str
    head: str
    unit: str = ""
    axis: str = ""
    headline: bool = False

    @property
    def column(self) -> str:
        """Head with unit."""
        return f"{self.head} [{self.unit}]" if self.unit else self.head

    @property
    def label(self) -> str:
        """Text at an axis, with unit."""
        words = self.axis or self.head
        return f"{words} [{self.unit}]" if self.unit else words


class Measured(NamedTuple):
    """The ``value`` of a ``metric`` on a subset of ``channels`` (all | drift), for ``low`` <= x < ``high`` of what it
    depends on; NaN limits where it depends on nothing."""

    metric: str
    value: float
    channels: str = "all"
    low: float = math.nan
    high: float = math.nan


class Subject:
    """One plane of one image, and what a method made of it.  Everything is read when it is first asked for, and kept."""

    def __init__(self, store: EventStore, products: Products, plane: Plane, image: int):
        self.store, self.products, self.plane, self.image = store, products, plane, image
        self._outputs: dict[str, np.ndarray] = {}

    @cached_property
    def good(self) -> np.ndarray:
        """Which channels carry a usable waveform, bool (channels,)."""
        return ~self.store.bad(self.plane.name, self.image)

    @cached_property
    def rows(self) -> np.ndarray:
        """Rows of the channels with a usable waveform, int64 (good channels,)."""
        return np.flatnonzero(self.good)

    @cached_property
    def subsets(self) -> dict[str, np.ndarray]:
        """Good rows by subset of channels: ``all``, and where only some rows look at the drift volume ``drift``; subsets
        without a good channel are left out."""
        found = {"all": self.rows}
        if self.plane.looks_both_ways:
            drift = self.plane.drift_slice
            found["drift"] = np.flatnonzero(self.good[drift]) + drift.start
        return {name: rows for name, rows in found.items() if len(rows)}

    @property
    def threshold(self) -> float:
        """Score at which the method takes a pixel for part of a region."""
        return self.products.threshold

    @cached_property
    def clean(self) -> np.ndarray:
        """Noise-free waveforms, float32 (channels, ticks), ADC."""
        return self.store.clean(self.plane.name, self.image)

    def output(self, name: str) -> np.ndarray:
        """Return what the method made, float32 (channels, ticks), or (k, channels, ticks) for an output of k channels."""
        if name not in self._outputs:
            self._outputs[name] = self.products.image(name, self.plane.name, self.image)
        return self._outputs[name]

    @cached_property
    def true_charge(self) -> np.ndarray:
        """Charge that reached the wires, float32 (channels, ticks), electrons."""
        return self.store.charge_image(self.plane.name, self.image)

    @cached_property
    def region_truth(self) -> np.ndarray:
        """Which pixels of ten ticks hold signal, bool (channels, ticks // 10)."""
        return region_truth(self.true_charge)

    @cached_property
    def true_regions(self) -> TrueRegions:
        """The true regions of good channels, with the particles that left them."""
        found = true_regions(self.store, self.plane.name, self.image)
        return found.where(self.good[found.row])


@dataclass(frozen=True)
class Measure:
    """One measure.

    ``level``: scores | details; ``needs``: the outputs that a method must have made, or else nothing is measured;
    ``needs_charge``: so for samples without true charge; ``run``: from a ``Subject`` to what was measured.
    """

    name: str
    level: str
    needs: tuple[str, ...]
    metrics: tuple[Metric, ...]
    run: Callable[[Subject], Iterator[Measured]]
    needs_charge: bool = False

    def __post_init__(self):
        if self.level not in LEVELS:
            raise ProtoduneError(f"measure {self.name}: level '{self.level}', expected {' or '.join(LEVELS)}")

    def metric(self, name: str) -> Metric:
        """Return the definition of one of its metrics."""
        found = next((m for m in self.metrics if m.name == name), None)
        if found is None:
            known = ", ".join(m.name for m in self.metrics)
            raise ProtoduneError(f"measure {self.name}: metric '{name}' is not among its metrics: {known}")
        return found

    def applies(self, subject: Subject) -> bool:
        """Whether the method made what this needs, and the sample has it."""
        made = all(subject.products.has(name) for name in self.needs)
        return made and (subject.store.has_charge or not self.needs_charge)


def find_measure(name: str) -> Measure:
    """Return the measure of this name: one of ``measure.known``, or of a module of your own (``package.module``)."""
    return load(PACKAGE, name, "MEASURE", Measure, "measure")


def measure_names() -> list[str]:
    """Names of the measures that come with the package."""
    return names(PACKAGE)


def measures_of(task: str, level: str) -> list[Measure]:
    """Return the measures of a task that are of a level, in the order of the task."""
    return [m for m in map(find_measure, find_task(task).measures) if m.level == level]


class Metrics(dict):
    """Metrics by name; one that is not there is a ProtoduneError."""

    def __missing__(self, name: str) -> Metric:
        raise ProtoduneError(
            f"metric '{name}'{suggest(name, list(self))} is in no measure of the tasks of this table; known: "
            f"{', '.join(self) or 'none'}; run the stage 'measure' again, or add it to 'metrics' of its measure"
        )


def metrics_of(tasks: Iterable[str]) -> Metrics:
    """Return the metrics of all measures of tasks, by name."""
    measures = [find_measure(name) for task in tasks for name in find_task(task).measures]
    return Metrics({metric.name: metric for measure in measures for metric in measure.metrics})
