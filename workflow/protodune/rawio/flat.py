"""The flat ROOT layout of the embedded simulation: plain branches that any ROOT reads (docs/data_format.md).

Trees: ``events`` (run, subrun, event), ``digits`` (event_index, channel, ticks, pedestal, adc[ticks], clean[ticks]),
one entry per channel, events one after the other, ``charge`` (event_index, channel, tick, electrons, track) and
``particles``.  ``protodune_about`` is a TObjString with JSON: layout, layout_version, detector,
detector_version, clean_adc_per_count, settings, seed, versions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import uproot

from protodune.core.errors import ProtoduneError
from protodune.core.files import atomic_path
from protodune.detector.registry import DEFAULT, find_detector, stored_detector
from protodune.events.types import PARTICLE_DTYPE, ChargeTable, RawEvent
from protodune.rawio.baskets import EntryReader, guarded
from protodune.rawio.digits import sorting_order, stack_digits

LAYOUT = "protodune-flat"
LAYOUT_VERSION = 4
_ROWS_PER_BASKET = 2048  # uproot holds several copies of what it writes at once

_EVENTS = {"run": "u4", "subrun": "u4", "event": "u4"}
_EVENT_INDEX = {"event_index": "i4"}
_DIGITS, _WAVEFORMS = {"channel": "u4", "ticks": "i4", "pedestal": "f4"}, {"adc": "i2", "clean": "i2"}
_CHARGE = {"channel": "u4", "tick": "i4", "electrons": "f4", "track": "i4"}
_PARTICLES = {name: PARTICLE_DTYPE[name] for name in PARTICLE_DTYPE.names}

T = TypeVar("T")


def write_flat(path: str | Path, events: Iterable[RawEvent], ticks: int, about: dict, detector: str = DEFAULT) -> None:
    """Write events, one at a time, as a flat ROOT file (zlib level 1); inverse of FlatSource.

    Every event must have ``clean`` and ``charge``; ``about`` (settings, seed, versions) travels in the file, and so do name
    and version of the ``detector``.
    """
    of = find_detector(detector)
    head = {
        "layout": LAYOUT, "layout_version": LAYOUT_VERSION, "detector": detector, "detector_version": of.version,
        "clean_adc_per_count": of.adc_per_count, **about,
    }  # fmt: skip
    with atomic_path(path) as temporary, uproot.recreate(temporary, compression=uproot.ZLIB(1)) as file:
        file["protodune_about"] = json.dumps(head, sort_keys=True)
        file.mktree("events", _EVENTS)
        waveform = np.dtype(("i2", (ticks,)))
        file.mktree("digits", {**_EVENT_INDEX, **_DIGITS, **dict.fromkeys(_WAVEFORMS, waveform)})
        file.mktree("charge", {**_EVENT_INDEX, **_CHARGE})
        file.mktree("particles", {**_EVENT_INDEX, **_PARTICLES})
        for index, event in enumerate(events):
            file["events"].extend({k: np.array([getattr(event, k)], dtype=np.uint32) for k in ("run", "subrun", "event")})
            for first in range(0, len(event.channel), _ROWS_PER_BASKET):
                rows = slice(first, first + _ROWS_PER_BASKET)
                file["digits"].extend(
                    {
                        "event_index": np.full(len(event.channel[rows]), index, dtype=np.int32),
                        "channel": event.channel[rows],
                        "ticks": event.n_ticks[rows].astype(np.int32),
                        "pedestal": event.pedestal[rows],
                        "adc": event.adc[rows],
                        "clean": event.clean[rows],
                    }
                )
            m = len(event.charge.tick)
            file["charge"].extend(
                {
                    "event_index": np.full(m, index, dtype=np.int32),
                    "channel": event.charge.channel.astype(np.uint32),
                    "tick": event.charge.tick.astype(np.int32),
                    "electrons": event.charge.electrons.astype(np.float32),
                    "track": event.charge.track.astype(np.int32),
                }
            )
            particles = np.zeros(0, PARTICLE_DTYPE) if event.particles is None else event.particles
            columns = {name: particles[name] for name in PARTICLE_DTYPE.names}
            file["particles"].extend({"event_index": np.full(len(particles), index, np.int32), **columns})
            del event, particles, columns  # before the next one is made


class FlatSource:
    """A file written by ``write_flat``."""

    flavour = "protodune flat"

    def __init__(self, path: str, file: uproot.ReadOnlyDirectory):
        self.path = path
        self.about = self._guarded("protodune_about", lambda: _about(file))
        version = self.about.get("layout_version")
        if self.about.get("layout") != LAYOUT or version != LAYOUT_VERSION:
            raise ProtoduneError(
                f"{path}: found layout {self.about.get('layout')} version {version}, expected {LAYOUT} version "
                f"{LAYOUT_VERSION}; simulate the sample again"
            )
        self.detector = stored_detector(
            str(self.about.get("detector")), self.about.get("detector_version"), path, "simulate"
        )
        missing = [name for name in ("events", "digits", "charge", "particles") if name not in file]
        if missing:
            raise ProtoduneError(
                f"{path}: has no tree {', '.join(missing)}; expected a complete flat file, simulate it again"
            )
        events = self._guarded("tree events", lambda: Table(file["events"], _EVENTS).rows())
        self._ids = [tuple(row) for row in zip(*(events[name].tolist() for name in _EVENTS), strict=True)]
        columns = {"digits": {**_DIGITS, **_WAVEFORMS}, "charge": _CHARGE, "particles": _PARTICLES}
        self._tables = {
            name: self._guarded(f"tree {name}", lambda name=name, kinds=kinds: Table(file[name], kinds, len(self._ids)))
            for name, kinds in columns.items()
        }

    def _guarded(self, where: str, action: Callable[[], T]) -> T:
        """Run an action; whatever a damaged file makes uproot, zlib or numpy raise becomes one sentence."""
        return guarded(f"{self.path}: {where}", action)

    def __len__(self) -> int:
        return len(self._ids)

    def event_id(self, index: int) -> tuple[int, int, int]:
        """(run, subrun, event) of one event."""
        return self._ids[index]

    def read(self, index: int, truth: bool = True) -> RawEvent:
        """Read one event, channels ascending; without ``truth`` its digits alone."""
        digits = self._rows("digits", index, leave_out=() if truth else ("clean",))
        where = f"{self.path}: event {index}"
        n_ticks = digits["ticks"].astype(np.int64)
        if n_ticks.size and not 0 <= n_ticks.min() <= n_ticks.max() <= digits["adc"].shape[1]:
            raise ProtoduneError(
                f"{where}: channels of {n_ticks.min()} to {n_ticks.max()} ticks, expected 0 to {digits['adc'].shape[1]}; "
                "the file is damaged"
            )
        order = sorting_order(digits["channel"], where)
        adc, _ = stack_digits(digits["adc"], order)
        event = RawEvent(
            *self._ids[index],
            digits["channel"][order].astype(np.uint32),
            adc,
            n_ticks[order],
            digits["pedestal"][order].astype(np.float32),
        )
        if truth:
            event.clean = stack_digits(digits["clean"], order)[0]
            self._add_particles(event, index)
        return event

    def _add_particles(self, event: RawEvent, index: int) -> None:
        """Read charge and particles of an event."""
        charge, found = self._rows("charge", index), self._rows("particles", index)
        particles = np.zeros(len(found["id"]), PARTICLE_DTYPE)
        for name, values in found.items():
            particles[name] = values
        event.particles = particles
        event.charge = ChargeTable(
            charge["channel"].astype(np.uint32),
            charge["tick"].astype(np.int32),
            charge["electrons"].astype(np.float32),
            charge["track"].astype(np.int32),
        )

    def _rows(self, name: str, index: int, leave_out: Sequence[str] = ()) -> dict[str, np.ndarray]:
        return self._guarded(f"event {index}: tree {name}", lambda: self._tables[name].rows(index, leave_out))


class Table:
    """A tree of plain branches by columns, ``kinds``: name and dtype; a branch of ``_WAVEFORMS`` has an array per row.

    With ``events`` its rows belong to that many events, one after the other, as ``event_index`` says.
    """

    def __init__(self, tree, kinds: dict[str, str], events: int | None = None):
        n = int(tree.num_entries)
        self._kinds = {name: np.dtype(kind).newbyteorder(">") for name, kind in kinds.items()}
        self._readers = {name: EntryReader(tree[name], n) for name in kinds}
        self._bounds = np.array([0, n])
        if events is not None:
            index = EntryReader(tree["event_index"], n).column(0, n, np.dtype(">i4"))
            if n and (index[0] < 0 or index[-1] >= events or np.any(np.diff(index) < 0)):
                raise ValueError(f"event_index from {index.min()} to {index.max()}, expected 0 to {events - 1}, ascending")
            self._bounds = np.searchsorted(index, np.arange(events + 1))

    def rows(self, event: int = 0, leave_out: Sequence[str] = ()) -> dict[str, np.ndarray]:
        """The rows of one event (of the whole tree, if it is not by event), by column; some may be left out."""
        start, stop = int(self._bounds[event]), int(self._bounds[event + 1])
        return {
            name: reader.column(start, stop, self._kinds[name], waveforms=name in _WAVEFORMS)
            for name, reader in self._readers.items()
            if name not in leave_out
        }


def _about(file: uproot.ReadOnlyDirectory) -> dict:
    about = json.loads(str(file["protodune_about"]))
    if not isinstance(about, dict):
        raise ValueError(f"found {type(about).__name__}, expected a JSON object")
    return about
