"""A task: what is asked of a method, classical or network.

It names the images that a method makes of a plane, the labels that a network learns them from, the losses, and what is
measured.  Trainer, history, patches, inference, product files, tables and figures take them from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from protodune.core.errors import ProtoduneError
from protodune.core.registry import load, names
from protodune.events.products import Output
from protodune.events.store import EventStore

PACKAGE = "protodune.tasks.known"
SCOPES = ("plane", "unit", "event")
LABEL_ADC_PER_COUNT = 0.125


@dataclass(frozen=True)
class Label:
    """What a network shall give for one output.

    ``build`` (store, plane name, image) returns the truth of a plane, (channels, ticks); ``coarse`` (image, n) the same in
    slices of n ticks, for networks that see several ticks as one pixel.  Stored in patches as ``kind`` in steps of
    ``per_count``.  ``bad`` is the value that channels without a usable waveform get.
    """

    build: Callable[[EventStore, str, int], np.ndarray]
    coarse: Callable[[np.ndarray, int], np.ndarray]
    kind: str
    per_count: float = 1.0
    bad: float = 0.0


@dataclass(frozen=True)
class Loss:
    """Losses of one output, by name (``learning.training.losses``): the ``choices``, the default first, its ``weight``
    beside other outputs, and the loss that the history ``reports`` with its ``unit``."""

    choices: tuple[str, ...]
    reports: str
    unit: str
    weight: float = 1.0


@dataclass(frozen=True)
class Task:
    """What is asked of a method.

    ``outputs``: what a method may make, of which a network serves those with labels that its ``SPEC`` names and a classical
    method any; ``labels`` and ``losses`` by output; ``measures``: modules of ``protodune.measure.known`` by name; ``scope``:
    what a method sees at a time, a plane, all planes of a unit, or all of an event; ``derived``: by the name of a module of
    ``protodune.learning.derived`` the outputs that it computes from those of a network; ``head``: the task in words.
    """

    name: str
    head: str
    outputs: tuple[Output, ...]
    labels: Mapping[str, Label]
    losses: Mapping[str, Loss]
    measures: tuple[str, ...] = ()
    scope: str = "plane"
    derived: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self):
        known = [o.name for o in self.outputs]
        if self.scope not in SCOPES:
            raise ProtoduneError(f"task {self.name}: scope '{self.scope}', expected {' | '.join(SCOPES)}")
        if set(self.labels) != set(self.losses):
            raise ProtoduneError(
                f"task {self.name}: labels of {sorted(self.labels)}, losses of {sorted(self.losses)}, expected the same "
                "outputs"
            )
        if not set(self.labels) <= set(known):
            raise ProtoduneError(f"task {self.name}: labels of {sorted(self.labels)}, expected outputs among {known}")
        for derivation, outputs in self.derived.items():
            if not set(outputs) <= set(known) or set(outputs) <= set(self.labels):
                raise ProtoduneError(
                    f"task {self.name}: {derivation} derives {sorted(outputs)}, expected outputs among {known}, one or more "
                    "of them without labels"
                )

    def output(self, name: str) -> Output:
        """Return an output by its name."""
        found = next((o for o in self.outputs if o.name == name), None)
        if found is None:
            known = ", ".join(o.name for o in self.outputs)
            raise ProtoduneError(f"task {self.name}: has no output '{name}', expected one of {known}")
        return found

    def learned(self) -> tuple[str, ...]:
        """Names of the outputs that have labels, in order."""
        return tuple(o.name for o in self.outputs if o.name in self.labels)


def find_task(name: str) -> Task:
    """Return the task of this name: one of ``protodune.tasks.known``, or of a module of your own (``package.module``)."""
    return load(PACKAGE, name, "TASK", Task, "task")


def task_names() -> list[str]:
    """Names of the tasks that come with the package."""
    return names(PACKAGE)
