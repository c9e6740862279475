"""Frames of Wire-Cell as a method of ours, and how frames belong to the events of a store (docs/wirecell.md).

A frame has the ident of its event: the event number, or, where two events of a store have the same number, the place of the
event in the store.  The tag of an APA or CRP ends with its number.  Tick 0 of a store is time 0 of a frame.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from protodune.core.errors import ProtoduneError
from protodune.core.settings import defaults_of
from protodune.detector.model import Plane
from protodune.events.making import Method
from protodune.events.products import Output, Place, PlaneProduct
from protodune.events.store import EventStore
from protodune.rawio.frames import MAX_IDENT, Frame, FrameFile

log = logging.getLogger(__name__)


@dataclass(frozen=True)
@defaults_of("methods", "*", "frames")
class FramesSettings:
    """``tag`` of the charge, to which the number of the unit is added where the file has such tags; ``late_ticks``: whole
    ticks that its charge comes later than the truth."""

    tag: str
    late_ticks: int


def idents(store: EventStore) -> list[int]:
    """Return the ident of the frames of each event of a store, in the order of ``event_ids``."""
    numbers = [event for _, _, event in store.event_ids]
    fit = len(set(numbers)) == len(numbers) and max(numbers, default=0) <= MAX_IDENT
    return numbers if fit else list(range(len(numbers)))


def frames_method(frames: FrameFile, settings: FramesSettings, outputs: Sequence[Output]) -> Method:
    """Return the charge of frames as a method that ``make_products`` takes.

    It gives those of ``charge``, float32, electrons per tick, and ``regions``, bool, where charge is above 0, that are among
    ``outputs``; channels and ticks that a frame does not have are 0.  A frame that is missing or of other channels or ticks
    is a ProtoduneError.
    """
    names, there = {o.name for o in outputs}, set(frames.frames())

    @lru_cache(maxsize=1)  # the planes of a unit follow each other
    def read(store: EventStore, image: int) -> Frame:
        unit, ident = int(store.unit[image]), idents(store)[store.event_row[image]]
        tags = (f"{settings.tag}{unit}", settings.tag)
        tag = next((tag for tag in tags if (tag, ident) in there), None)
        if tag is None:
            has = ", ".join(f"{tag} {ident}" for tag, ident in list(there)[:6]) or "none"
            raise ProtoduneError(
                f"{frames.path}: has no frame {tags[0]} {ident} of event {store.event_id(image)}, expected one of each unit "
                f"and event of {store.path}; found {has}{' ...' if len(there) > 6 else ''}; mend the tag, or run Wire-Cell "
                "on these events"
            )
        return frames.read(tag, ident, store.detector)

    def make(store: EventStore, group: list[Place]) -> list[PlaneProduct]:
        found = []
        for place in group:
            frame = read(store, place.image)
            charge = charge_of(frame, place.plane, store.ticks, settings.late_ticks, f"{frames.path}: frame {frame.tag}")
            missing = np.setdiff1d(place.plane.channels[~store.bad(place.plane.name, place.image)], frame.channel)
            if len(missing):
                log.warning("%s %d: %d good channels of plane %s are not there and count as empty, for instance %d",
                            frame.tag, frame.ident, len(missing), place.plane.name, missing[0])  # fmt: skip
            made = {"charge": charge, "regions": charge > 0}
            found.append({name: image for name, image in made.items() if name in names})
        return found

    return make


def charge_of(frame: Frame, plane: Plane, ticks: int, late_ticks: int, where: str) -> np.ndarray:
    """Return what a frame holds of a plane whose readout begins at time 0, float32 (channels, ticks), ``late_ticks``
    earlier; 0 where it holds nothing."""
    row = frame.channel.astype(np.int64) - plane.first_channel
    here = np.flatnonzero((row >= 0) & (row < plane.n_channels))
    if len(here) == 0:
        raise ProtoduneError(
            f"{where}: has none of the channels {plane.first_channel} to {plane.first_channel + plane.n_channels - 1} of "
            f"plane {plane.name}, expected all planes of the unit; let Wire-Cell write them, or mend the tag"
        )
    start, width = frame.start - late_ticks, frame.values.shape[1]
    first, last = max(0, start), min(ticks, start + width)
    if first >= last:
        raise ProtoduneError(
            f"{where}: covers ticks {start} to {start + width}, expected some of the readout, 0 to {ticks}; its time "
            f"({frame.time_ns:g} ns) must count from the begin of the readout"
        )
    charge = np.zeros((plane.n_channels, ticks), np.float32)
    charge[row[here], first:last] = frame.values[here, first - start : last - start]
    return charge
