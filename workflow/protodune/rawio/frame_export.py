"""Event stores and products as frame files, so that Wire-Cell can run on them (docs/wirecell.md)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

import numpy as np

from protodune.events.products import Products
from protodune.events.store import EventStore
from protodune.rawio.export import by_family
from protodune.rawio.frames import BAD, Frame, FrameWriter
from protodune.rawio.wirecell import idents

RAW, CHARGE = "orig", "gauss"
"""Tags of raw digits and of charge, before the number of the unit."""


def export_frames(events: str, output: str, products: Sequence[str] = ()) -> dict[str, int]:
    """Write the raw digits of a store as a frame file, one frame per unit and event; return the number of frames by tag.

    ``origN``: raw values of unit N, int16, ADC; the mask ``bad``: channels without a usable waveform.  ``products``: files
    of one method, one per plane family; with them also ``gaussN``: their charge, float32, electrons per tick.
    """
    counts: dict[str, int] = {}
    with EventStore(events) as store, contextlib.ExitStack() as stack, FrameWriter.open(output) as writer:
        opened = by_family([stack.enter_context(Products(path)) for path in products])
        for found in opened.values():
            found.check_matches(store)
        for row, ident in enumerate(idents(store)):
            images = np.flatnonzero(store.event_row == row).tolist()
            for image in images:
                for frame in _frames(store, opened, image, ident):
                    writer.write(frame)
                    counts[frame.tag] = counts.get(frame.tag, 0) + 1
            writer.write_mask(BAD, ident, np.concatenate([np.zeros((0, 3), np.int64), *(_bad(store, i) for i in images)]))
    return counts


def _frames(store: EventStore, products: Mapping[str, Products], image: int, ident: int) -> list[Frame]:
    """The frames of one image."""
    unit = store.detector.units[store.unit[image]]
    names = list(unit.planes)
    found = [_frame(RAW, store, image, ident, names, [store.adc(name, image) for name in names])]
    charges = {
        plane.name: made.image("charge", plane.name, image)
        for family, made in products.items()
        for plane in store.family(family, image)
    }
    if charges:
        found.append(_frame(CHARGE, store, image, ident, list(charges), list(charges.values())))
    return found


def _frame(tag: str, store: EventStore, image: int, ident: int, names: list[str], values: list[np.ndarray]) -> Frame:
    channel = np.concatenate([store.channel(name, image) for name in names]).astype(np.int32)
    order = np.argsort(channel)
    return Frame(f"{tag}{store.unit[image]}", ident, channel[order], np.concatenate(values)[order], store.detector.tick_ns)


def _bad(store: EventStore, image: int) -> np.ndarray:
    """Bad channels of an image as rows of a mask, int64 (n, 3)."""
    planes = store.detector.units[store.unit[image]].planes
    channel = np.concatenate([store.channel(name, image)[store.bad(name, image)] for name in planes]).astype(np.int64)
    return np.stack([channel, np.zeros_like(channel), np.full_like(channel, store.ticks)], axis=1)
