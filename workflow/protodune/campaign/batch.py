"""Files of raw digits through the whole chain, one after the other: each becomes a ROOT file of what a network made of it, a
record beside it, and a row of a table.

What cannot be read is recorded and the next file goes on; what is done already is not done again.
"""

from __future__ import annotations

import contextlib
import glob
import logging
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from tqdm import tqdm

from protodune.campaign import records
from protodune.campaign.chain import Chain, CleanSettings, EventId, Look
from protodune.campaign.records import DAMAGED, DONE, FAILED, OTHER, Record
from protodune.core.errors import ProtoduneError
from protodune.core.file_lists import is_address, name_of
from protodune.core.files import checksum
from protodune.core.provenance import versions
from protodune.core.tables import write_table
from protodune.detector.registry import find_detector
from protodune.learning.method import TrainedMethod
from protodune.rawio.conversion import read_channel_list
from protodune.rawio.remote import Access, state

SUMMARY = "summary.tsv"
COLUMNS = ["file", "status", "cause", "events", "lost_events", "images", "seconds", "output", "output_bytes", "source_bytes"]
EARLIER = "done earlier"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Running:
    """How a batch runs, which changes no output: ``threads``; ``again``: try files that failed for good again; ``look`` at
    the first ``looked_at`` files; ``summary``: table to write after each file, None: none."""

    threads: int = 1
    again: bool = True
    look: Look | None = None
    looked_at: int = 0
    summary: Path | None = None


class TwiceError(ProtoduneError):
    """A file or an event that another file of the batch is or has already."""


def clean_files(
    sources: Sequence[str],
    folder: str | Path,
    methods: Mapping[str, TrainedMethod],
    settings: CleanSettings,
    name: str,
    running: Running | None = None,
) -> list[dict]:
    """Clean files into ``folder``; return a row of each (``COLUMNS``, and ``kind`` of a failure).

    ``methods``: a network by family of planes, together the method ``name``; damaged events are left out and counted.  A
    file whose record says that the same was done with it stays as it is.  A full disk ends the run with a ProtoduneError.
    """
    running = running or Running()
    detector = find_detector(settings.detector)
    if settings.bad_channels:
        read_channel_list(settings.bad_channels, detector)  # else every file would fail for it
    batch = _Batch(Path(folder), methods, settings, name, running)
    rows: list[dict] = []
    for number, source in enumerate(tqdm(sources, desc="clean", unit="file", disable=None)):
        rows.append(batch.row(source, number < running.looked_at))
        if running.summary is not None:
            write_table(running.summary, rows, COLUMNS)
        row = rows[-1]
        log.info("%d/%d %s: %s%s", len(rows), len(sources), source, row["status"], f": {row['cause']}" * bool(row["cause"]))
    return rows


class _Batch:
    """What the files of one run share: networks, settings, and which events were seen."""

    def __init__(
        self, folder: Path, methods: Mapping[str, TrainedMethod], settings: CleanSettings, name: str, running: Running
    ):
        self.folder, self.methods, self.settings, self.name, self.running = folder, methods, settings, name, running
        self._decisive, self._method = _decisive(settings), self._about()
        self._of_output: dict[str, str] = {}
        self._of_event: dict[tuple[int, int, int], str] = {}

    def row(self, source: str, looked_at: bool) -> dict:
        """Clean one file, or say why not."""
        started = time.perf_counter()
        output = self.folder / f"{name_of(source)}.root"
        row = dict.fromkeys([*COLUMNS, "kind"], "") | {"file": source, "status": FAILED}
        try:
            row |= self._clean(source, output, looked_at)
        except (ProtoduneError, OSError) as error:
            if records.is_full_disk(error):
                raise ProtoduneError(
                    f"{getattr(error, 'filename', None) or self.folder}: the disk is full; make room and give the same "
                    "command again: what is done is kept"
                ) from None
            row["cause"] = _in_words(error, source)
            row["kind"] = OTHER if isinstance(error, TwiceError) else records.kind_of(error, source)
        row["seconds"] = float(round(time.perf_counter() - started, 2))
        return row

    def _clean(self, source: str, output: Path, looked_at: bool) -> dict:
        """Return what the row of a file says; of what went wrong, the record says it."""
        if output.name in self._of_output:
            raise TwiceError(
                f"{source}: {output} is already that of {self._of_output[output.name]}; give each file once, and files "
                "of the same name in runs of their own"
            )
        self._of_output[output.name] = source
        record = Record.read(output.with_suffix(".json"))
        same = {"settings": self._decisive, "method": self._method, "version": records.VERSION}
        try:
            same["source"] = _state(source, record, self.settings.access)
        except ProtoduneError as error:  # a server that does not answer
            same["source"] = {"path": source}
            return self._failed(record, same, _in_words(error, source), records.kind_of(error, source))
        if record.is_of(same, DONE) and _size(output) == record.found["output_bytes"] and self._has_all(record, looked_at):
            self._take_events(record.found["events"], source)
            return {**_columns(record.found, output), "status": EARLIER}
        if not self.running.again:
            if record.is_of(same, FAILED) and record.found["kind"] == DAMAGED:
                return {"cause": record.found["cause"], "kind": DAMAGED}
            if record.ended_too_often(same):
                return self._failed(record, same, _often(source), DAMAGED)
        record.begin(same)
        try:
            with self._between(output.stem) as folder:
                done = self._through_the_chain(source, output, folder, looked_at)
        except KeyboardInterrupt:
            record.forget()
            raise
        except (ProtoduneError, OSError) as error:
            if records.is_full_disk(error):
                record.forget()
                raise
            output.unlink(missing_ok=True)  # of an earlier state of the file, or of other settings
            kind = OTHER if isinstance(error, TwiceError) else records.kind_of(error, source)
            return self._failed(record, same, _in_words(error, source), kind)
        done |= {"output_bytes": _size(output), "source_bytes": same["source"]["bytes"]}
        record.done(same, done | {"versions": versions("numpy", "torch", "uproot")})
        return {**_columns(done, output), "status": DONE}

    def _failed(self, record: Record, same: dict, cause: str, kind: str) -> dict:
        record.failed(same, kind, cause)
        return {"cause": cause, "kind": kind}

    def _has_all(self, record: Record, looked_at: bool) -> bool:
        """Whether a file that is done has been looked at, and what lies in between kept, where that is asked for."""
        keep = self.settings.keep
        return record.found.get("looked_at", False) >= looked_at and (not keep or record.found.get("kept") == keep)

    @contextlib.contextmanager
    def _between(self, name: str) -> Iterator[Path]:
        """Yield the folder for what lies between raw and cleaned."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.settings.keep:
            folder = Path(self.settings.keep) / name
            folder.mkdir(parents=True, exist_ok=True)
            yield folder
            return
        prefix = f".protodune-{name}."
        if not self.running.again:  # and so alone: what a job that was killed left behind
            for left in self.folder.glob(f"{glob.escape(prefix)}*"):
                shutil.rmtree(left, ignore_errors=True)
            for left in self.folder.glob(f".{glob.escape(name)}.*.part*"):
                left.unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix=prefix, dir=self.settings.scratch or self.folder) as folder:
            yield Path(folder)

    def _through_the_chain(self, source: str, output: Path, folder: Path, looked_at: bool) -> dict:
        """Convert, clean and export one file; return what its record says of it."""
        started = time.perf_counter()
        look = partial(self.running.look, output.stem) if looked_at and self.running.look is not None else None
        check = partial(self._refuse_twice, source)
        chain = Chain(source, folder, self.methods, self.name, check, look)
        done = chain.run(self.settings, output, self.running.threads)
        self._take_events(done["events"], source)
        return {
            **done, "looked_at": looked_at, "kept": self.settings.keep, "seconds": round(time.perf_counter() - started, 2)
        }  # fmt: skip

    def _refuse_twice(self, source: str, event: EventId) -> None:
        other = self._of_event.get(event, source)
        if other != source:
            raise TwiceError(records.event_twice(source, event, other))

    def _take_events(self, events: Sequence[Sequence[int]], source: str) -> None:
        """Note the events of a file; one that another file has as well is an error, and then none is noted."""
        found = [tuple(e) for e in events]
        for event in found:
            self._refuse_twice(source, event)
        self._of_event |= dict.fromkeys(found, source)

    def _about(self) -> dict:
        """What of the method decides the bytes of its output, as far as it is asked for: ``precision: auto`` may be another
        on another machine, where what is done stays."""
        wanted = ("weights_sha256", "settings")
        return {"name": self.name, **{f: {k: m.about[k] for k in wanted} for f, m in self.methods.items()}}


def _in_words(error: ProtoduneError | OSError, source: str) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or source}: {error.strerror or error}"
    return " ".join(str(error).split())


def _often(source: str) -> str:
    return (
        f"{source}: the job ended {records.MOST_BEGINNINGS} times while it was at this file, without a word of its "
        "own (out of memory, out of time, killed); give the job more mem_mb or runtime, then `protodune campaign retry` and "
        "the same command again"
    )


def _decisive(settings: CleanSettings) -> dict:
    """What of the settings decides the bytes of an output: not where things lie, but what is in a list of channels."""
    listed = checksum(settings.bad_channels) if settings.bad_channels and Path(settings.bad_channels).is_file() else None
    indifferent = dict.fromkeys(("scratch", "keep", "access", "adler32"))
    return {**asdict(settings), **indifferent, "bad_channels": listed}


def _state(source: str, record: Record, access: Access) -> dict:
    """What tells that a source is the one of the record; of an address, what its server says.  A file that is gone since it
    was cleaned is that of the record."""
    if is_address(source):
        size, modified = state(source, access)
        return {"path": source, "bytes": size, "modified": modified}
    path = Path(source).resolve()
    if not path.is_file():
        before = record.found["same"].get("source", {}) if record.found and record.found["status"] == DONE else {}
        return before if before.get("path") == str(path) else {"path": str(path), "bytes": "", "modified": ""}
    found = path.stat()
    return {"path": str(path), "bytes": found.st_size, "modified": found.st_mtime_ns}


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _columns(record: dict, output: Path) -> dict:
    return {
        "events": len(record["events"]), "lost_events": len(record["lost"]), "images": record["images"],
        "cause": _lost(record["lost"]), "output": str(output), "output_bytes": record["output_bytes"],
        "source_bytes": record["source_bytes"],
    }  # fmt: skip


def _lost(lost: list[dict]) -> str:
    """Say which events were left out, and why the first was."""
    return f"{len(lost)} damaged event(s) left out: {' '.join(str(lost[0]['cause']).split())}" if lost else ""
