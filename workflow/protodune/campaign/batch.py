"""Files of raw digits through the whole chain, one after the other: each becomes a ROOT file of what a network made of it, a
record beside it, and a row of a table.

What cannot be read is recorded and the next file goes on; what is done already is not done again.
"""

from __future__ import annotations

import errno
import json
import logging
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from tqdm import tqdm

from protodune.campaign.chain import Chain, CleanSettings, EventId
from protodune.core.errors import ProtoduneError
from protodune.core.files import checksum, write_text
from protodune.core.provenance import versions
from protodune.core.tables import write_table
from protodune.learning.method import TrainedMethod
from protodune.rawio.remote import Access, is_address, state

SUMMARY = "summary.tsv"
COLUMNS = ["file", "status", "cause", "events", "lost_events", "images", "seconds", "output", "output_bytes", "source_bytes"]
DONE, FAILED, EARLIER = "done", "failed", "done earlier"
RECORD_VERSION = 1
_FULL = (errno.ENOSPC, errno.EDQUOT)

log = logging.getLogger(__name__)


def clean_files(
    sources: Sequence[str],
    folder: str | Path,
    methods: Mapping[str, TrainedMethod],
    settings: CleanSettings,
    name: str,
    threads: int = 1,
) -> list[dict]:
    """Clean files into ``folder``; return a row of each, which ``summary.tsv`` there holds as well.

    ``methods``: a network by family of planes, together the method ``name``; damaged events are left out and counted.  A
    file whose record says that the same was done with it stays as it is.  A full disk ends the run with a ProtoduneError.
    """
    folder = Path(folder)
    batch = _Batch(folder, methods, settings, name, threads)
    rows: list[dict] = []
    for source in tqdm(sources, desc="clean", unit="file", disable=None):
        rows.append(batch.row(source))
        write_table(folder / SUMMARY, rows, COLUMNS)
        row = rows[-1]
        log.info("%d/%d %s: %s%s", len(rows), len(sources), source, row["status"], f": {row['cause']}" * bool(row["cause"]))
    return rows


class _Batch:
    """What the files of one run share: networks, settings, and which events were seen."""

    def __init__(self, folder: Path, methods: Mapping[str, TrainedMethod], settings: CleanSettings, name: str, threads: int):
        self.folder, self.methods, self.settings, self.name, self.threads = folder, methods, settings, name, threads
        self._of_output: dict[str, str] = {}
        self._of_event: dict[tuple[int, int, int], str] = {}

    def row(self, source: str) -> dict:
        """Clean one file, or say why not."""
        started = time.perf_counter()
        output = self.folder / f"{Path(source).stem}.root"
        row = dict.fromkeys(COLUMNS, "") | {"file": source, "status": FAILED}
        try:
            if output.name in self._of_output:
                raise ProtoduneError(
                    f"{source}: {output} is already that of {self._of_output[output.name]}; give each file once, and files "
                    "of the same name in runs of their own"
                )
            self._of_output[output.name] = source
            row |= self._clean(source, output)
        except ProtoduneError as error:
            row["cause"] = " ".join(str(error).split())
        except OSError as error:
            if error.errno in _FULL:
                raise ProtoduneError(
                    f"{error.filename or self.folder}: the disk is full; make room and give the same command again: what is "
                    "done is kept"
                ) from None
            row["cause"] = f"{error.filename or source}: {error.strerror or error}"
        row["seconds"] = float(round(time.perf_counter() - started, 2))
        return row

    def _clean(self, source: str, output: Path) -> dict:
        record = output.with_suffix(".json")
        same = {
            "source": _state(source, self.settings.access),
            "settings": _decisive(self.settings),
            "method": self._about(),
            "version": RECORD_VERSION,
        }
        done = _read_record(record)
        if done is not None and done.get("same") == json.loads(json.dumps(same)) and _size(output) == done["output_bytes"]:
            for event in done["events"]:
                self._check_event(tuple(event), source)
            self._of_event |= dict.fromkeys(map(tuple, done["events"]), source)
            return {**_columns(done, output), "status": EARLIER}
        with tempfile.TemporaryDirectory(prefix=".protodune-", dir=self.settings.scratch or self._made_folder()) as scratch:
            check = partial(self._check_event, source=source)
            chain = Chain(source, Path(scratch), self.methods, self.name, check)
            done = chain.run(self.settings, output, self.threads)
        done |= {"same": same, "output_bytes": _size(output), "source_bytes": same["source"]["bytes"]}
        self._of_event |= dict.fromkeys(map(tuple, done["events"]), source)
        write_text(record, json.dumps(done | {"versions": versions("numpy", "torch", "uproot")}, indent=1) + "\n")
        return {**_columns(done, output), "status": DONE}

    def _check_event(self, event: EventId, source: str) -> None:
        other = self._of_event.get(event, source)
        if other != source:
            raise ProtoduneError(
                f"{source}: event {event} (run, subrun, event) is in {other} as well, expected it once; leave one of the "
                "files out"
            )

    def _about(self) -> dict:
        """What of the method decides the bytes of its output."""
        wanted = ("weights_sha256", "settings", "runtime", "precision", "threshold")
        return {"name": self.name, **{f: {k: m.about[k] for k in wanted} for f, m in self.methods.items()}}

    def _made_folder(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder


def _decisive(settings: CleanSettings) -> dict:
    """What of the settings decides the bytes of an output: not where things lie, but what is in a list of channels."""
    listed = checksum(settings.bad_channels) if settings.bad_channels and Path(settings.bad_channels).is_file() else None
    return {**asdict(settings), "scratch": None, "bad_channels": listed, "access": None, "adler32": None}


def _state(source: str, access: Access) -> dict:
    """What tells that a source is the one of the record; of an address, what its server says."""
    if is_address(source):
        size, modified = state(source, access)
        return {"path": source, "bytes": size, "modified": modified}
    path = Path(source)
    if not path.is_file():
        return {"path": source, "bytes": "", "modified": ""}
    found = path.stat()
    return {"path": str(path.resolve()), "bytes": found.st_size, "modified": found.st_mtime_ns}


def _read_record(path: Path) -> dict | None:
    """Return the record of an earlier run, or None if there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    needed = {"same", "events", "lost", "images", "output_bytes", "source_bytes"}
    return found if isinstance(found, dict) and needed <= set(found) else None


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
