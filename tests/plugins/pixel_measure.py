"""How well classes of pixels are told, in the tests only: the share of pixels that are right, and recall by class."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from plugins.pixel_task import NOTHING, OTHER, TRACK, pixel_classes
from protodune.measure.spec import Measure, Measured, Metric, Subject

CLASSES = {"nothing": NOTHING, "track": TRACK, "other": OTHER}


def measured(subject: Subject) -> Iterator[Measured]:
    """Yield accuracy and recall on good channels, by subset of channels."""
    truth = pixel_classes(subject.store, subject.plane.name, subject.image)
    found = subject.output("classes").argmax(axis=0)
    for channels, rows in subject.subsets.items():
        right = found[rows] == truth[rows]
        yield Measured("pixel_accuracy", float(right.mean()), channels)
        for name, number in CLASSES.items():
            here = right[truth[rows] == number]
            yield Measured(f"recall_{name}", float(here.mean()) if np.size(here) else math.nan, channels)


MEASURE = Measure(
    name="pixel_measure",
    level="scores",
    needs=("classes",),
    needs_charge=True,
    metrics=(
        Metric("pixel_accuracy", "pixels right", headline=True),
        Metric("recall_nothing", "recall, nothing"),
        Metric("recall_track", "recall, track", headline=True),
        Metric("recall_other", "recall, other", headline=True),
    ),
    run=measured,
)
