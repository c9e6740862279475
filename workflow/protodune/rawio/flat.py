"""The flat ROOT layout of the embedded simulation: plain branches that any ROOT reads (docs/data_format.md).

Trees: ``events`` (run, subrun, event), ``digits`` (event_index, channel, ticks, pedestal, adc[ticks], clean[ticks]),
one entry per channel, events one after the other, ``charge`` (event_index, channel, tick, electrons, track) and
``particles``.  ``protodune_about`` is a TObjString with JSON: layout, layout_version, detector,
detector_version, clean_adc_per_count, settings, seed, versions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import uproot

from protodune.core.errors import ProtoduneError
from protodune.core.files import atomic_path
from protodune.detector.registry import DEFAULT, find_detector, stored_detector
from protodune.events.types import PARTICLE_DTYPE, ChargeTable, RawEvent
from protodune.rawio.baskets import damaged
from protodune.rawio.digits import sorting_order, stack_digits

LAYOUT = "protodune-flat"
LAYOUT_VERSION = 4
_ROWS_PER_BASKET = 2048  # uproot holds several copies of what it writes at once


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
        file.mktree("events", {"run": "u4", "subrun": "u4", "event": "u4"})
        waveform = np.dtype(("i2", (ticks,)))
        digits = {
            "event_index": "i4",
            "channel": "u4",
            "ticks": "i4",
            "pedestal": "f4",
            "adc": waveform,
            "clean": waveform,
        }
        file.mktree("digits", digits)
        file.mktree("charge", {"event_index": "i4", "channel": "u4", "tick": "i4", "electrons": "f4", "track": "i4"})
        file.mktree("particles", {"event_index": "i4", **{name: PARTICLE_DTYPE[name] for name in PARTICLE_DTYPE.names}})
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
        try:
            self.about = json.loads(str(file["protodune_about"]))
        except Exception as error:  # whatever a damaged record makes uproot raise
            raise damaged(f"{path}: protodune_about", error) from None
        version = self.about.get("layout_version")
        if self.about.get("layout") != LAYOUT or version != LAYOUT_VERSION:
            raise ProtoduneError(
                f"{path}: found layout {self.about.get('layout')} version {version}, expected {LAYOUT} version "
                f"{LAYOUT_VERSION}; simulate the sample again"
            )
        self.detector = stored_detector(self.about["detector"], self.about["detector_version"], path, "simulate")
        missing = [name for name in ("events", "digits", "charge", "particles") if name not in file]
        if missing:
            raise ProtoduneError(
                f"{path}: has no tree {', '.join(missing)}; expected a complete flat file, simulate it again"
            )
        self._digits, self._charge_tree, self._particles = file["digits"], file["charge"], file["particles"]
        ids = file["events"].arrays(["run", "subrun", "event"], library="np")
        self._ids = [tuple(int(ids[k][i]) for k in ("run", "subrun", "event")) for i in range(len(ids["run"]))]
        self._digit_rows = self._row_bounds(self._digits)
        self._charge_rows = self._row_bounds(self._charge_tree)
        self._particle_rows = self._row_bounds(self._particles)

    def _row_bounds(self, tree) -> np.ndarray:
        index = tree["event_index"].array(library="np")
        return np.searchsorted(index, np.arange(len(self._ids) + 1))

    def __len__(self) -> int:
        return len(self._ids)

    def event_id(self, index: int) -> tuple[int, int, int]:
        """(run, subrun, event) of one event."""
        return self._ids[index]

    def read(self, index: int) -> RawEvent:
        """Read one event, channels ascending."""
        try:
            columns = self._columns(self._digits, self._digit_rows, index, ("channel", "ticks", "pedestal", "adc", "clean"))
            charge = self._columns(self._charge_tree, self._charge_rows, index, ("channel", "tick", "electrons", "track"))
            found = self._columns(self._particles, self._particle_rows, index, PARTICLE_DTYPE.names)
        except Exception as error:  # uproot and zlib raise many kinds for damaged baskets
            raise damaged(f"{self.path}: event {index}", error) from None
        order = sorting_order(columns["channel"], f"{self.path}: event {index}")
        adc, _ = stack_digits(columns["adc"], order)
        particles = np.zeros(len(found["id"]), PARTICLE_DTYPE)
        for name, values in found.items():
            particles[name] = values
        return RawEvent(
            *self._ids[index],
            columns["channel"][order].astype(np.uint32),
            adc,
            columns["ticks"][order].astype(np.int64),
            columns["pedestal"][order].astype(np.float32),
            clean=stack_digits(columns["clean"], order)[0],
            charge=ChargeTable(**charge),
            particles=particles,
        )

    @staticmethod
    def _columns(tree, rows: np.ndarray, index: int, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        entries = {"entry_start": rows[index], "entry_stop": rows[index + 1], "library": "np"}
        return {name: tree[name].array(**entries) for name in names}
