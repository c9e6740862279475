"""How a campaign stands: read from its plan and the records of its files, at any time, whether jobs run or not."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from protodune.campaign import records
from protodune.campaign.lock import held
from protodune.campaign.records import BEGUN, DONE, FAILED, Record
from protodune.core.errors import ProtoduneError
from protodune.core.file_lists import name_of
from protodune.core.tables import read_table

PLAN = "plan.tsv"
RUNNING, PENDING = "running", "pending"
FILE_COLUMNS = [
    "sample", "batch", "file", "status", "cause", "runs", "events", "lost_events", "images", "seconds", "output",
    "output_bytes", "source_bytes",
]  # fmt: skip
RUN_COLUMNS = [
    "sample",
    "run",
    "files",
    DONE,
    FAILED,
    RUNNING,
    PENDING,
    "events",
    "lost_events",
    "events_per_s",
    "output_gb",
]
QUALITY_COLUMNS = [
    "sample", "run", "plane", "events", "images", "noise_rms", "bad_channels", "occupancy", "regions_per_event",
]  # fmt: skip
RECENT_S = 3600.0


@dataclass(frozen=True)
class State:
    """``files``: a row of each planned file (``FILE_COLUMNS``); ``runs``: sums by sample and run, with an empty run for
    files whose run is not known (``RUN_COLUMNS``); ``quality`` by sample, run and plane (``QUALITY_COLUMNS``);
    ``recent_rate``: events per second of all jobs together in the last hour in which something was finished."""

    files: list[dict]
    runs: list[dict]
    quality: list[dict]
    recent_rate: float

    def count(self, status: str) -> int:
        """Number of files of a status."""
        return sum(row["status"] == status for row in self.files)


def read_state(folder: Path) -> State:
    """Return how the campaign in ``folder`` stands; a ProtoduneError if none was begun there."""
    if not (folder / PLAN).is_file():
        raise ProtoduneError(
            f"{folder / PLAN}: found no campaign, expected one; run `snakemake campaign`, or give --directory"
        )
    read = [_File.read(folder, row) for row in read_table(folder / PLAN)]
    _refuse_events_that_are_twice(read)
    _find_running(read, folder)
    return State([f.row for f in read], _runs(read), _quality(read), _recent_rate(read))


@dataclass
class _File:
    """A planned file: its ``row``, and what its record says of what was made, if it is done."""

    row: dict
    made: dict | None

    @classmethod
    def read(cls, folder: Path, planned: dict) -> _File:
        sample, file = planned["sample"], planned["file"]
        row = dict.fromkeys(FILE_COLUMNS, "") | {
            "sample": sample,
            "batch": planned["batch"],
            "file": file,
            "status": PENDING,
        }
        if planned["refused"]:
            return cls(row | {"status": FAILED, "cause": planned["refused"]}, None)
        output = folder / "files" / sample / f"{name_of(file)}.root"
        found = Record.read(output.with_suffix(".json")).found
        if found is None:
            return cls(row, None)
        if found["status"] == DONE:
            return cls(row | _done(found, output), found)
        return cls(row | {"status": found["status"], "cause": found.get("cause", "")}, None)

    @property
    def events(self) -> list[tuple[int, ...]]:
        """(run, subrun, event) of what was cleaned."""
        return [tuple(e) for e in self.made["events"]] if self.made else []

    @property
    def runs(self) -> list[int]:
        """Runs of its events, in order."""
        return list(dict.fromkeys(e[0] for e in self.events))


def _done(found: dict, output: Path) -> dict:
    lost = found["lost"]
    cause = f"{len(lost)} damaged event(s) left out: {' '.join(str(lost[0]['cause']).split())}" if lost else ""
    runs = ",".join(map(str, dict.fromkeys(e[0] for e in found["events"])))
    return {
        "status": DONE, "cause": cause, "runs": runs, "events": len(found["events"]), "lost_events": len(lost),
        "images": found["images"], "seconds": float(found.get("seconds", 0)), "output": str(output),
        "output_bytes": found["output_bytes"], "source_bytes": found["source_bytes"],
    }  # fmt: skip


def _refuse_events_that_are_twice(files: Iterable[_File]) -> None:
    """Count a file as failed if an earlier one, in another batch, has an event of it."""
    of_event: dict[tuple[int, ...], str] = {}
    for file in files:
        events, name = file.events, file.row["file"]
        twice = next((e for e in events if e in of_event), None)
        if twice is None:
            of_event |= dict.fromkeys(events, name)
            continue
        cause = records.event_twice(name, twice, of_event[twice])
        file.row |= {"status": FAILED, "cause": f"{cause}; {file.row['output']} is whole, but its events count twice"}
        file.made = None


def _find_running(files: Iterable[_File], folder: Path) -> None:
    """Tell files at which a job is from those at which one ended."""
    at_work: dict[str, bool] = {}
    for row in (f.row for f in files if f.row["status"] == BEGUN):
        name = f"{row['sample']}.{int(row['batch']):04d}"
        if name not in at_work:
            at_work[name] = held(folder / "locks" / name)
        row["status"] = RUNNING if at_work[name] else PENDING


def _runs(files: Sequence[_File]) -> list[dict]:
    """Sums by sample and run; a file of several runs counts with its first."""
    rows: dict[tuple, dict] = {}
    for file in files:
        key = (file.row["sample"], next(iter(file.runs), ""))
        zero = dict.fromkeys(RUN_COLUMNS, 0) | {"seconds": 0.0, "output_bytes": 0}
        row = rows.setdefault(key, zero | {"sample": key[0], "run": key[1]})
        row["files"] += 1
        row[file.row["status"]] += 1
        if file.made:
            for name in ("events", "lost_events", "seconds", "output_bytes"):
                row[name] += file.row[name]
    for row in rows.values():
        row["events_per_s"] = row["events"] / row["seconds"] if row["seconds"] else ""
        row["output_gb"] = row.pop("output_bytes") / 1e9
    return sorted(rows.values(), key=lambda r: (r["sample"], r["run"] == "", r["run"] or 0))


def _quality(files: Iterable[_File]) -> list[dict]:
    """What the data are like by sample, run and plane."""
    parts: dict[tuple, list[dict]] = {}
    events: dict[tuple, int] = {}
    for file in files:
        for part in file.made.get("quality", []) if file.made else []:
            parts.setdefault((file.row["sample"], part["run"], part["plane"]), []).append(part)
        for run, *_ in file.events:
            events[file.row["sample"], run] = events.get((file.row["sample"], run), 0) + 1
    return [
        {"sample": s, "run": r, "plane": p, "events": events[s, r], **_figures(found, events[s, r])}
        for (s, r, p), found in sorted(parts.items())
    ]


def _figures(parts: list[dict], events: int) -> dict:
    """Numbers of one plane of one run; empty where nothing tells."""
    images, pixels = sum(p["images"] for p in parts), sum(p["pixels"] for p in parts)
    quiet = [p for p in parts if p["noise_rms"] is not None]
    noise = statistics.fmean([p["noise_rms"] for p in quiet], [p["images"] for p in quiet]) if quiet else ""
    regions = [p for p in parts if p["regions"] is not None]
    return {
        "images": images,
        "noise_rms": noise,
        "bad_channels": sum(p["bad_channels"] for p in parts) / images,
        "occupancy": sum(p["region_pixels"] for p in regions) / pixels if regions and pixels else "",
        "regions_per_event": sum(p["regions"] for p in regions) / events if regions else "",
    }


def _recent_rate(files: Iterable[_File]) -> float:
    done = [(f.made["time"], f.row["events"], f.row["seconds"]) for f in files if f.made and "time" in f.made]
    if not done:
        return 0.0
    last = max(when for when, _, _ in done)
    recent = [d for d in done if d[0] > last - RECENT_S]
    begin = min(when - seconds for when, _, seconds in recent)
    return sum(events for _, events, _ in recent) / max(last - begin, 1e-3)


def forget_failures(folder: Path) -> int:
    """Remove what is written of files that failed, and the tables of their batches, so that the next run tries them again;
    return how many there were."""
    state = read_state(folder)
    failed = [row for row in state.files if row["status"] in (FAILED, PENDING) and row["batch"]]
    forgotten = 0
    for row, record in ((r, _record(folder, r)) for r in failed):
        if record.found is not None and record.found["status"] != DONE:
            record.forget()
            forgotten += 1
            (folder / "batches" / f"{row['sample']}.{int(row['batch']):04d}.tsv").unlink(missing_ok=True)
    return forgotten


def _record(folder: Path, row: dict) -> Record:
    return Record.read(folder / "files" / row["sample"] / f"{name_of(row['file'])}.json")


def failures(state: State) -> Iterator[dict]:
    """Yield the rows of files that failed."""
    return (row for row in state.files if row["status"] == FAILED)


def now() -> str:
    """Return the time of the state in words."""
    return time.strftime("%Y-%m-%d %H:%M:%S")
