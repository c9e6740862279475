"""A third task, in the tests only: three classes per pixel from the true particle classes, behind a step that denoises."""

from __future__ import annotations

import numpy as np

from protodune.events.products import Output
from protodune.events.store import EventStore
from protodune.events.types import CLASS_TRACK
from protodune.tasks.spec import Label, Loss, Task

NOTHING, TRACK, OTHER = range(3)
IGNORED = 255
ELECTRONS_PER_TICK = 100.0


def pixel_classes(store: EventStore, plane: str, image: int) -> np.ndarray:
    """Return the class of each pixel, uint8 (channels, ticks): 0 nothing (up to 100 electrons per tick), 1 track, 2 shower,
    Michel or delta electron, whatever left the most charge there."""
    charge, particle = store.charge(plane, image), store.charge_particles(plane, image)
    kind = np.append(store.particles(image)["class"], CLASS_TRACK)[particle]  # unlisted ones count as tracks
    row = charge.channel - store.channel(plane, image)[0]
    enough = charge.electrons > ELECTRONS_PER_TICK
    found = np.full((store.plane(plane, image).n_channels, store.ticks), NOTHING, np.uint8)
    found[row[enough], charge.tick[enough]] = np.where(kind[enough] == CLASS_TRACK, TRACK, OTHER)
    return found


def largest(classes: np.ndarray, n: int) -> np.ndarray:
    """Return the largest class number in slices of ``n`` ticks, uint8 (channels, ticks // n)."""
    ticks = classes.shape[1] // n * n
    return classes[:, :ticks].reshape(len(classes), -1, n).max(axis=2)


TASK = Task(
    name="pixels",
    head="classes of pixels",
    outputs=(Output("classes", "class score", 1 / 255, kind="u1", channels=3, activation="softmax"),),
    labels={"classes": Label(pixel_classes, largest, "u1", bad=IGNORED)},
    losses={"classes": Loss(("class_cross_entropy",), "class_cross_entropy", "")},
    measures=("plugins.pixel_measure",),
)
