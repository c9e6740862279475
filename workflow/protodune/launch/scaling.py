"""How a training scales: its steps timed at several numbers of ranks, each started as the launcher starts them, and a model
for more ranks than there are."""

from __future__ import annotations

import json
import logging
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from protodune.core.errors import ProtoduneError
from protodune.launch.allocation import find_allocation
from protodune.launch.starters import words
from protodune.measure.scaling import MODES, fit_network, rank_counts, speed_up, step_seconds

log = logging.getLogger(__name__)
COLUMNS = [
    "network", "kind", "mode", "ranks", "step_s", "data_s", "compute_s", "communication_s", "images_per_s", "mpixel_per_s",
    "speedup", "efficiency", "repeats", "backend",
]  # fmt: skip
EXTRAPOLATED = (12, 64, 1024)
MEASURED = ("step_s", "data_s", "communication_s", "message_s", "reduction_s")


@dataclass(frozen=True)
class Study:
    """``settings``: JSON of TrainingSettings; ``train``: patch files; ``ranks``: numbers of ranks, empty for 1, 2, 3, 4, 6,
    8, ...; ``offered``: ranks that this machine has room for, a queue says itself.  Every number of ranks is timed
    ``repeats`` times in turn, ``steps`` steps each, with so many CPU ``threads`` per rank."""

    settings: str
    train: list[str]
    ranks: list[int]
    offered: int = 1
    steps: int = 20
    repeats: int = 3
    threads: int = 1
    launcher_options: str = ""


def scaling_rows(study: Study) -> list[dict]:
    """Time steps at every number of ranks in turn, several times; return medians and the model's extrapolation (rows of
    ``COLUMNS``)."""
    allocation = find_allocation(study.offered)
    offered = len(allocation.hosts) * allocation.per_host
    counts = sorted(set(study.ranks)) or rank_counts(offered)
    if counts[-1] > offered:
        raise ProtoduneError(
            f"scaling: {counts[-1]} ranks wanted, but only {offered} are offered; lower scaling.ranks of the configuration "
            "or give the job more"
        )
    counts = sorted({1, *counts})
    jobs = [(mode, ranks) for _ in range(study.repeats) for mode in MODES for ranks in counts]
    runs: dict[tuple[str, int], list[dict]] = {}
    with tempfile.TemporaryDirectory(dir=".") as folder:
        for mode, ranks in tqdm(jobs, desc="scaling", unit="run", disable=None):
            result = _measure(study, mode, ranks, Path(folder) / "steps.json")
            runs.setdefault((mode, ranks), []).append(result)
            log.info("%s scaling, %d rank(s): %.4f s per step", mode, ranks, result["step_s"])
    medians = {key: median(found, runs[key[0], 1]) for key, found in runs.items()}
    name = json.loads(study.settings)["model"]
    return [{"network": name, **row} for row in table(medians, study.repeats)]


def median(runs: list[dict], alone: list[dict]) -> dict:
    """Return the medians of some runs, and of their ratios to those of one rank that were measured in the same round."""
    paired = statistics.median(one["step_s"] / run["step_s"] for one, run in zip(alone, runs, strict=True))
    return runs[0] | {name: statistics.median(run[name] for run in runs) for name in MEASURED} | {"ratio": paired}


def _measure(study: Study, mode: str, ranks: int, output: Path) -> dict:
    options = ["--ranks", str(ranks), "--threads", str(study.threads), *words(study.launcher_options, "--launcher-options")]
    program = [
        sys.executable,
        "-m",
        "protodune.stages.learn.time_steps",
        "--settings",
        study.settings,
        "--train",
        *study.train,
    ]
    program += ["--mode", mode, "--steps", str(study.steps), "--threads", str(study.threads), "--output", str(output)]
    result = subprocess.run(
        [sys.executable, "-m", "protodune.stages.learn.launch", *options, "--", *program],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if result.returncode:
        raise ProtoduneError(f"scaling: {ranks} rank(s) failed:\n{result.stderr.strip()}")
    return json.loads(output.read_text(encoding="utf-8"))


def table(medians: dict[tuple[str, int], dict], repeats: int) -> list[dict]:
    """Return a row for every measurement, and those of the model for 12, 64 and 1,024 ranks."""
    timings = [
        (ranks, size, row[name])
        for (_, ranks), row in medians.items()
        for name, size in (("message_s", 4), ("reduction_s", row["gradient_bytes"]))
    ]
    network = fit_network(timings)
    rows = []
    for (mode, ranks), found in sorted(medians.items()):
        rows.append(_row("measured", mode, ranks, found["step_s"], found["ratio"], found) | {"repeats": repeats})
    if network is None:
        log.info("one rank only: nothing to model the communication from")
        return rows
    log.info(
        "ring all-reduce: %.3g s per message, %.3g bytes per second between ranks, %.3g s per operation",
        network.alpha, network.beta, network.overhead,
    )  # fmt: skip
    for mode in MODES:
        first = medians[mode, 1]
        for ranks in EXTRAPOLATED:
            alone, size = first["step_s"] - first["communication_s"], first["gradient_bytes"]
            step = step_seconds(mode, ranks, alone, first["micro_batches"], size, network)
            images = first["images_per_step"] * (ranks if mode == "weak" else 1)
            found = first | {
                "images_per_step": images,
                "mpixel_per_step": first["mpixel_per_step"] * images / first["images_per_step"],
                "communication_s": network.all_reduce(ranks, size),
                "data_s": first["data_s"] * (1 if mode == "weak" else 1 / ranks),
            }
            rows.append(_row("model", mode, ranks, step, first["step_s"] / step, found) | {"repeats": repeats})
    return rows


def _row(kind: str, mode: str, ranks: int, step: float, ratio: float, found: dict) -> dict:
    """Return a row of the table; ``ratio``: the seconds of a step of one rank over those of this."""
    gain = speed_up(mode, ranks, ratio)
    return {
        "kind": kind, "mode": mode, "ranks": ranks, "step_s": step, "data_s": found["data_s"],
        "compute_s": max(0.0, step - found["data_s"] - found["communication_s"]),
        "communication_s": found["communication_s"], "images_per_s": found["images_per_step"] / step,
        "mpixel_per_s": found["mpixel_per_step"] / step, "speedup": gain, "efficiency": gain / ranks,
        "backend": found["backend"],
    }  # fmt: skip
