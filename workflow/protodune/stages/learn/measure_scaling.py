"""Measure how a training scales: strong and weak, over the ranks that the machine or the queue's allocation offers."""

from __future__ import annotations

import argparse
import json
import logging
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tqdm import tqdm

from protodune.core.errors import ProtoduneError
from protodune.launch.allocation import find_allocation
from protodune.measure.scaling import MODES, fit_network, rank_counts, speed_up, step_seconds
from protodune.stages.command import run_stage, stage_parser
from protodune.core.tables import write_table

log = logging.getLogger(__name__)
COLUMNS = [
    "network", "kind", "mode", "ranks", "step_s", "data_s", "compute_s", "communication_s", "images_per_s", "mpixel_per_s",
    "speedup", "efficiency", "repeats", "backend",
]  # fmt: skip
EXTRAPOLATED = (12, 64, 1024)
MEASURED = ("step_s", "data_s", "communication_s", "message_s", "reduction_s")


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("measure_scaling", __doc__)
    p.add_argument("--settings", required=True, help="JSON of TrainingSettings")
    p.add_argument("--train", required=True, nargs="+", help="patch files")
    p.add_argument("--ranks", type=int, nargs="*", default=[], help="numbers of ranks; default: 1, 2, 3, 4, 6, 8, ...")
    p.add_argument("--offered", type=int, default=1, help="ranks that this machine has room for; a queue says itself")
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--repeats", type=int, default=3, help="every number of ranks in turn, so often")
    p.add_argument("--threads", type=int, default=1, help="CPU threads a rank")
    p.add_argument("--launcher-options", default="", help="further options of protodune.stages.learn.launch")
    p.add_argument("--output", required=True, help="TSV to write")
    return p


def run(settings: str, args: argparse.Namespace) -> None:
    """Time steps at every number of ranks in turn, several times, and write medians and the model's extrapolation."""
    allocation = find_allocation(args.offered)
    offered = len(allocation.hosts) * allocation.per_host
    counts = sorted(set(args.ranks)) or rank_counts(offered)
    if counts[-1] > offered:
        raise ProtoduneError(
            f"scaling: {counts[-1]} ranks wanted, but only {offered} are offered; lower scaling.ranks of the configuration "
            "or give the job more"
        )
    counts = sorted({1, *counts})
    jobs = [(mode, ranks) for _ in range(args.repeats) for mode in MODES for ranks in counts]
    runs: dict[tuple[str, int], list[dict]] = {}
    with tempfile.TemporaryDirectory(dir=".") as folder:
        for mode, ranks in tqdm(jobs, desc="scaling", unit="run", disable=None):
            result = _measure(settings, mode, ranks, args, Path(folder) / "steps.json")
            runs.setdefault((mode, ranks), []).append(result)
            log.info("%s scaling, %d rank(s): %.4f s a step", mode, ranks, result["step_s"])
    medians = {key: median(found, runs[key[0], 1]) for key, found in runs.items()}
    name = json.loads(settings)["model"]
    write_table(args.output, [{"network": name, **row} for row in table(medians, args.repeats)], COLUMNS)


def median(runs: list[dict], alone: list[dict]) -> dict:
    """Return the medians of some runs, and of their ratios to those of one rank that were measured in the same round."""
    paired = statistics.median(one["step_s"] / run["step_s"] for one, run in zip(alone, runs, strict=True))
    return runs[0] | {name: statistics.median(run[name] for run in runs) for name in MEASURED} | {"ratio": paired}


def _measure(settings: str, mode: str, ranks: int, args: argparse.Namespace, output: Path) -> dict:
    options = ["--ranks", str(ranks), "--threads", str(args.threads), *shlex.split(args.launcher_options)]
    program = [sys.executable, "-m", "protodune.stages.learn.time_steps", "--settings", settings, "--train", *args.train]
    program += ["--mode", mode, "--steps", str(args.steps), "--threads", str(args.threads), "--output", str(output)]
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
        "ring all-reduce: %.3g s a message, %.3g bytes a second between ranks, %.3g s an operation",
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
    """Return a row of the table; ``ratio`` of the seconds of a step of one rank to those of this."""
    gain = speed_up(mode, ranks, ratio)
    return {
        "kind": kind, "mode": mode, "ranks": ranks, "step_s": step, "data_s": found["data_s"],
        "compute_s": max(0.0, step - found["data_s"] - found["communication_s"]),
        "communication_s": found["communication_s"], "images_per_s": found["images_per_step"] / step,
        "mpixel_per_s": found["mpixel_per_step"] / step, "speedup": gain, "efficiency": gain / ranks,
        "backend": found["backend"],
    }  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    args = parser().parse_args(argv)
    return run_stage("scaling", lambda: run(args.settings, args))


if __name__ == "__main__":
    raise SystemExit(main())
