"""What is in a file, what would be converted, and what is wrong with it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  (registers the compression filters)
import numpy as np

from protodune.core.errors import ProtoduneError, SourceLostError
from protodune.detector.model import Detector
from protodune.events.types import RawSource
from protodune.rawio.baskets import first_line
from protodune.rawio.conversion import read_channel_list
from protodune.rawio.remote import AS_IS, Access, is_address
from protodune.rawio.source import describe_root, open_raw

MAX_EVENTS = 5
IN_WORDS, LONGEST = 3, 400
"""How many problems a row tells in words, and how many characters of each."""


@dataclass
class Inspection:
    """Lines for people and the problems among them."""

    path: str
    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)

    def say(self, name: str, value: object) -> None:
        """Add a line."""
        self.lines.append(f"  {name:<12} {value}")
        self.values[name] = str(value)

    def text(self) -> str:
        """The whole inspection as text."""
        found = [f"  problem      {p}" for p in self.problems] or ["  problems     none found"]
        return "\n".join([self.path, *self.lines, *found]) + "\n"


def inspect(
    path: str, detector: Detector, tag: str | None = None, every_event: bool = False, access: Access = AS_IS
) -> Inspection:
    """Inspect a ROOT file, a DUNEdn dump or one of this project's HDF5 files; ``detector``: to which the channels belong.

    Reads the first five events (``every_event``: all) and reports each that is damaged.  ``access``: how bytes come here.
    """
    if not is_address(path) and Path(path).is_file() and h5py.is_hdf5(path):
        return _inspect_hdf5(path)
    report = Inspection(path)
    try:
        if not path.endswith(".npy"):
            for name, value in describe_root(path, access):
                report.say(name, value)
        source = open_raw(path, tag, access=access)
    except ProtoduneError as error:
        report.problems.append(str(error))
        return report
    report.say("flavour", source.flavour)
    for name, value in source.about.items():
        if name in ("detector", "digits", "sim", "time", "seed"):
            report.say(name, value)
    report.say("events", len(source))
    named = source.about.get("detector", detector.name)
    if named != detector.name:
        report.problems.append(f"{path}: simulated for detector {named}, expected {detector.name}; name the right detector")
        return report
    _inspect_events(report, source, detector, len(source) if every_event else min(MAX_EVENTS, len(source)))
    return report


def check_source(
    sample: str,
    source: str,
    detector: Detector,
    tag: str | None = None,
    partner: str | None = None,
    bad_channels: str | None = None,
    access: Access = AS_IS,
) -> tuple[str, dict[str, str | int]]:
    """Inspect all files of a sample, every event; return the inspections as text, and a row of the table of all sources.

    Nothing is raised for a bad file: ``problems`` of the row is the number of what is wrong, ``in_words`` the first of it.
    """
    reports = [inspect(source, detector, tag, every_event=True, access=access)]
    if partner:
        reports.append(inspect(partner, detector, tag, every_event=True, access=access.of(None)))
    for report in reports:
        if not report.problems and "flavour" not in report.values:
            report.problems.append(f"{report.path}: holds no raw digits, expected a ROOT file or a DUNEdn dump with digits")
    if bad_channels:
        reports.append(Inspection(bad_channels))
        try:
            reports[-1].say("channels", len(read_channel_list(bad_channels, detector)))
        except ProtoduneError as error:
            reports[-1].problems.append(str(error))
    values, problems = reports[0].values, [" ".join(p.split()) for report in reports for p in report.problems]
    own = [values["truth"]] if values.get("truth", "none") != "none" else []
    truth = ", ".join(own + ["partner"] * bool(partner)) or ("none" if "truth" in values else "")
    words = [p if len(p) <= LONGEST else f"{p[:LONGEST]}…" for p in problems[:IN_WORDS]]
    words += [f"and {len(problems) - IN_WORDS} more"] if len(problems) > IN_WORDS else []
    cells = {name: values.get(name, "") for name in ("events", "ticks", "channels")}
    row = {"sample": sample, "source": source, **cells, "truth": truth, "problems": len(problems)}
    return "".join(report.text() for report in reports), {**row, "in_words": "; ".join(words)}


def _inspect_events(report: Inspection, source: RawSource, detector: Detector, count: int) -> None:
    ids, ticks, channels, truth = [], set(), [], set()
    for index in range(count):
        try:
            event = source.read(index)
        except ProtoduneError as error:
            report.problems.append(str(error))
            if isinstance(error, SourceLostError):
                break
            continue
        ids.append(event.event_id)
        ticks |= set(np.unique(event.n_ticks).tolist())
        channels.append(event.channel)
        truth |= {"clean"} if event.clean is not None else set()
        truth |= {"charge"} if event.charge is not None else set()
    report.say("read", f"{count} event(s)")
    if "compression" in source.about:
        report.say("compression", source.about["compression"])
    if not ids:
        if not report.problems:
            report.problems.append(f"{source.path}: no events")
        return
    with contextlib.suppress(ProtoduneError):  # a damaged id is reported where its event is read
        ids += [source.event_id(index) for index in range(count, len(source))]
    runs = sorted({run for run, _, _ in ids})
    report.say("runs", runs[0] if len(runs) == 1 else f"{runs[0]} to {runs[-1]}")
    report.say("first event", "run {} subrun {} event {}".format(*ids[0]))
    present = np.unique(np.concatenate(channels))
    if present.size == 0:
        report.problems.append(f"{source.path}: no digits in the events that were read")
        return
    units = ", ".join(map(str, np.unique(detector.unit_of(present)).tolist()))
    report.say("channels", f"{present.size} ({present[0]} to {present[-1]}), {detector.unit_name}s {units}")
    if int(present[-1]) >= detector.n_channels:
        report.problems.append(
            f"{source.path}: channel {present[-1]}, expected at most {detector.n_channels - 1} ({detector.title}); is this "
            "another detector's file?"
        )
    report.say("ticks", ", ".join(map(str, sorted(ticks))))
    report.say("truth", ", ".join(sorted(truth)) or "none")
    if len({tuple(c.tolist()) for c in channels}) > 1:
        report.say("note", "events differ in their channels")


def _inspect_hdf5(path: str) -> Inspection:
    report = Inspection(path)
    try:
        opened = h5py.File(path, "r")
    except OSError as error:
        report.problems.append(f"{path}: a damaged HDF5 file ({first_line(error)}); copy it again")
        return report
    with opened as file:
        if "format" not in file.attrs:
            report.problems.append(f"{path}: an HDF5 file without a format attribute, not one of this project")
        for name, value in file.attrs.items():
            report.say(name, value)

        def line(name: str, item: h5py.HLObject) -> None:
            if isinstance(item, h5py.Dataset):
                packed = item.id.get_storage_size() / max(1, item.size * item.dtype.itemsize)
                report.say(name, f"{item.dtype} {item.shape}, {packed:.2f} of its size on disk")

        file.visititems(line)
    return report
