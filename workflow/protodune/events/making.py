"""Product files made by a method: its planes in threads, what is done on disk, so that a later run goes on there."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby
from pathlib import Path

import h5py
import numpy as np
from tqdm import tqdm

from protodune.core.threads import in_order
from protodune.events.products import Output, Place, PlaneProduct, ProductWriter, counts_of
from protodune.events.store import EventStore

log = logging.getLogger(__name__)

Method = Callable[[EventStore, list[Place]], list[PlaneProduct]]
"""From the places that a task looks at together to what a method makes of each."""


def places(store: EventStore, family: str, scope: str, images: Sequence[int] | None = None) -> list[list[Place]]:
    """Return the planes of a family that a method gets together: each alone (``plane``), those of an image (``unit``), or
    those of an event (``event``)."""
    chosen = range(len(store)) if images is None else images
    by_image = [[Place(i, p) for p in store.family(family, i)] for i in chosen]
    if scope == "plane":
        return [[place] for group in by_image for place in group]
    if scope == "unit":
        return [group for group in by_image if group]
    events: dict[int, list[Place]] = {}
    for group in by_image:
        for place in group:
            events.setdefault(int(store.event_row[place.image]), []).append(place)
    return list(events.values())


def make_products(
    method: Method,
    events: str,
    family: str,
    outputs: Sequence[Output],
    output: str,
    about: dict,
    code: str | None = "",
    scope: str = "plane",
    workers: int = 1,
) -> None:
    """Run a method over the planes of a family in every image of a sample and write the products; bad channels: 0.

    What was done is on disk image by image (with scope ``event``: event by event), in a folder beside ``output`` that the
    last one clears away.  A run that was interrupted goes on where it stopped, if ``about``, ``code`` and the events are the
    same; with a ``code`` of None nothing is kept of it.  As many threads as ``workers`` call the method at the same time.
    """
    about = {**about, "family": family, "events": events}
    with EventStore(events) as store:
        batches, plan = _batches(store, scope), _Plan(method, family, outputs, scope, workers)
        if code is None:
            with ProductWriter.open(output, store, family, outputs, about) as writer:
                for images, planes in plan.run(store, batches, shown=False):
                    _write_batch(writer, images, planes)
            return
        state = Path(events).stat()
        same = json.dumps([about, code, state.st_size, state.st_mtime_ns], sort_keys=True)
        parts = Path(f"{output}.parts")
        missing = [images for images in batches if not _part_path(parts, same, images[0]).is_file()]
        if len(missing) < len(batches):
            log.info("%d of %d images: done by an earlier run", sum(map(len, batches)) - sum(map(len, missing)), len(store))
        for images, planes in plan.run(store, missing):
            with ProductWriter.open(_part_path(parts, same, images[0]), store, family, outputs, about, images) as writer:
                _write_batch(writer, images, planes)
            for image in images:
                log.info("image %d/%d: event %s %s %d", image + 1, len(store), store.event_id(image),
                         store.detector.unit_name, store.unit[image])  # fmt: skip
        with ProductWriter.open(output, store, family, outputs, about) as writer:
            for images in batches:
                with h5py.File(_part_path(parts, same, images[0]), "r") as part:
                    for position, image in enumerate(images):
                        writer.copy(part, image, position)
    shutil.rmtree(parts, ignore_errors=True)


Made = Iterator[tuple[Place, dict[str, np.ndarray]]]
"""Planes with what is stored of them."""


@dataclass(frozen=True)
class _Plan:
    """How the planes of a sample go through a method."""

    method: Method
    family: str
    outputs: Sequence[Output]
    scope: str
    workers: int

    def run(self, store: EventStore, batches: Sequence[list[int]], shown: bool = True) -> Iterator[tuple[list[int], Made]]:
        """Yield batches of images with an iterator over their planes, in order; the next planes are in work meanwhile."""
        groups = [(i, group) for i, images in enumerate(batches) for group in places(store, self.family, self.scope, images)]
        with ThreadPoolExecutor(self.workers) as pool:
            make = partial(self._make, store)
            made = in_order(pool, make, groups, self.workers) if self.workers > 1 else map(make, groups)
            bar = {"desc": f"infer {self.family}", "total": len(groups), "unit": "plane"}
            by_batch = groupby(tqdm(made, disable=None if shown else True, **bar), key=lambda found: found[0])
            following = next(by_batch, None)
            for number, images in enumerate(batches):
                if following is not None and following[0] == number:  # else its unit has no plane of the family
                    yield images, chain.from_iterable(planes for _, planes in following[1])
                    following = next(by_batch, None)
                else:
                    yield images, iter(())

    def _make(
        self, store: EventStore, numbered: tuple[int, list[Place]]
    ) -> tuple[int, list[tuple[Place, dict[str, np.ndarray]]]]:
        """Return what is stored of some planes, with the number of their batch."""
        number, group = numbered
        made = []
        for place, product in zip(group, self.method(store, group), strict=True):
            bad = store.bad(place.plane.name, place.image)
            for values in product.values():
                values[..., bad, :] = 0
            made.append((place, counts_of(place, product, self.outputs, store.detector)))
        return number, made


def _write_batch(writer: ProductWriter, images: list[int], planes: Made) -> None:
    started = time.perf_counter()
    for place, counts in planes:
        writer.write_counts(place, counts)
    for image in images:
        writer.took(image, (time.perf_counter() - started) / len(images))


def _batches(store: EventStore, scope: str) -> list[list[int]]:
    """Images that are done together: one by one, or all of an event."""
    if scope != "event":
        return [[image] for image in range(len(store))]
    return [np.flatnonzero(store.event_row == row).tolist() for row in np.unique(store.event_row)]


def _part_path(folder: Path, same: str, image: int) -> Path:
    """Return where the products of one batch of images wait; parts of other settings have other names."""
    return folder / f"{hashlib.sha256(same.encode()).hexdigest()[:16]}.{image:06d}.h5"
