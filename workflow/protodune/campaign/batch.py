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
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tqdm import tqdm

from protodune.classical.pedestal import estimate_pedestal
from protodune.core.errors import ProtoduneError
from protodune.core.files import checksum, write_text
from protodune.core.provenance import versions
from protodune.core.tables import write_table
from protodune.detector.registry import DEFAULT
from protodune.events.store import EventStore
from protodune.learning.method import TrainedMethod, infer_sample
from protodune.rawio.conversion import ConvertSettings, convert_file
from protodune.rawio.export import export_products
from protodune.rawio.remote import AS_IS, Access, is_address, state

SUMMARY = "summary.tsv"
COLUMNS = ["file", "status", "cause", "events", "lost_events", "images", "seconds", "output", "output_bytes", "source_bytes"]
DONE, FAILED, EARLIER = "done", "failed", "done earlier"
RECORD_VERSION = 1
STEP = "denoise"
_FULL = (errno.ENOSPC, errno.EDQUOT)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CleanSettings:
    """``detector`` by name and ``tag`` of the digits; ``noisy_above`` and ``stretch_slow_board`` as ``ConvertSettings`` has
    them; ``bad_channels``: path of a list of channels; ``denoised_runs_adc``: see ``export_products``; ``scratch``: folder
    for what is needed in between, None: that of the output; ``access``: how the bytes of the files come here; ``adler32``:
    checksums by file, of those that have one."""

    detector: str = DEFAULT
    tag: str | None = None
    stretch_slow_board: str = "auto"
    noisy_above: float | None = 3.0
    bad_channels: str | None = None
    denoised_runs_adc: float | None = None
    scratch: str | None = None
    access: Access = AS_IS
    adler32: Mapping[str, str] = field(default_factory=dict)


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
            self._check_events([tuple(e) for e in done["events"]], source)
            self._of_event |= dict.fromkeys(map(tuple, done["events"]), source)
            return {**_columns(done, output), "status": EARLIER}
        with tempfile.TemporaryDirectory(prefix=".protodune-", dir=self.settings.scratch or self._made_folder()) as scratch:
            done = self._through_the_chain(source, output, Path(scratch))
        done |= {"same": same, "output_bytes": _size(output), "source_bytes": same["source"]["bytes"]}
        self._of_event |= dict.fromkeys(map(tuple, done["events"]), source)
        write_text(record, json.dumps(done | {"versions": versions("numpy", "torch", "uproot")}, indent=1) + "\n")
        return {**_columns(done, output), "status": DONE}

    def _through_the_chain(self, source: str, output: Path, scratch: Path) -> dict:
        """Convert, clean and export one file; return what its record says of its events."""
        settings, events = self.settings, str(scratch / "events.h5")
        converted = ConvertSettings(
            sample=Path(source).stem, kind="data", tag=settings.tag, on_damaged_event="skip",
            stretch_slow_board=settings.stretch_slow_board, noisy_above=settings.noisy_above, detector=settings.detector,
        )  # fmt: skip
        access = settings.access.of(settings.adler32.get(source))
        convert_file(converted, source, None, events, estimate_pedestal, settings.bad_channels, self.threads, access)
        with EventStore(events) as store:
            found = {"events": [list(e) for e in store.event_ids], "lost": store.lost_events, "images": len(store)}
        self._check_events(store.event_ids, source)
        products = []
        for family, method in self.methods.items():
            products.append(str(scratch / f"{family}.h5"))
            infer_sample(method, STEP, self.name, events, products[-1])
        found["entries"] = export_products(events, products, str(output), settings.denoised_runs_adc, source)
        return found

    def _check_events(self, events: Sequence[tuple[int, int, int]], source: str) -> None:
        twice = next((e for e in events if self._of_event.get(e, source) != source), None)
        if twice is not None:
            raise ProtoduneError(
                f"{source}: event {twice} (run, subrun, event) is in {self._of_event[twice]} as well, expected it once; "
                "leave one of the files out"
            )

    def _about(self) -> dict:
        """What of the method decides the bytes of its output."""
        wanted = ("weights_sha256", "settings", "precision", "threshold")
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
