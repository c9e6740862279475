"""Measure how fast a network cleans planes: by how much goes through it at a time, by precision, by runtime."""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys

from tqdm import tqdm

from protodune.core.errors import ProtoduneError
from protodune.detector.geometry import PLANE_FAMILIES
from protodune.stages.command import run_stage, stage_parser
from protodune.core.tables import write_table

log = logging.getLogger(__name__)
SHARES = (1 / 8, 1 / 4, 1 / 2)
"""Of a plane's pixels at a time; in less, overlaps are most of what a network does."""
ONNX_SHARE = 1 / 4
MEASURED = ("windows", "mpixel", "piece_s", "plane_s", "gmac", "memory_mb")
COLUMNS = ["network", "plane", "runtime", "device", "share", *MEASURED, "gmac_per_s", "repeats", "threads"]


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("measure_speed", __doc__)
    p.add_argument("--network", required=True, help="name of the network, for the table")
    p.add_argument("--weights", required=True, help="weights of the network (.safetensors)")
    p.add_argument("--plane", required=True, choices=sorted(PLANE_FAMILIES))
    p.add_argument("--ticks", type=int, default=6000, help="samples a channel of the plane")
    p.add_argument("--repeats", type=int, default=3, help="of each piece, of which the median counts")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--output", required=True, help="TSV to write")
    return p


def run(network: str, weights: str, plane: str, ticks: int, repeats: int, threads: int, output: str) -> None:
    """Write a row for each runtime and number of pixels at a time; pieces that come out the same count once."""
    jobs = [(runtime, share) for runtime in ("float32", "bfloat16") for share in SHARES] + [("onnx", ONNX_SHARE)]
    rows: dict[tuple, dict] = {}
    for runtime, share in tqdm(jobs, desc=network, unit="run", disable=None):
        command = [sys.executable, "-m", "protodune.stages.learn.time_forward", "--weights", weights, "--plane", plane]
        command += ["--runtime", runtime, "--share", str(share), "--ticks", str(ticks)]
        command += ["--repeats", str(repeats), "--threads", str(threads)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise ProtoduneError(f"speed: {runtime} with {share:g} of a plane at a time failed:\n{result.stderr.strip()}")
        found = json.loads(result.stdout)
        about = {"network": network, "plane": plane, "runtime": runtime, "share": share}
        row = about | found | {"gmac_per_s": found["gmac"] / found["piece_s"], "repeats": repeats, "threads": threads}
        rows.setdefault((runtime, found["mpixel"]), row)
        log.info(
            "%s, %.3g Mpixel at a time: %.3g s a plane, %.0f MB", runtime, row["mpixel"], row["plane_s"], row["memory_mb"]
        )
    write_table(output, list(rows.values()), COLUMNS)
    log.info("%s: %d rows", output, len(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("measure_speed", lambda: run(a.network, a.weights, a.plane, a.ticks, a.repeats, a.threads, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
