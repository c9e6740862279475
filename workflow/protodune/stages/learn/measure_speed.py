"""Measure how fast a network goes over planes: by how much goes through it at a time, by precision, by runtime."""

from __future__ import annotations

import argparse
import logging

from protodune.core.tables import write_table
from protodune.detector.model import FAMILIES
from protodune.detector.registry import DEFAULT
from protodune.learning.speed import COLUMNS, speed_rows
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("measure_speed", __doc__)
    p.add_argument("--network", required=True, help="name of the network, for the table")
    p.add_argument("--weights", required=True, help="weights of the network (.safetensors)")
    p.add_argument("--family", required=True, choices=FAMILIES, help="family of planes")
    p.add_argument("--detector", default=DEFAULT, help="name of the detector")
    p.add_argument("--ticks", type=int, help="ticks of a plane; the detector's readout if left out")
    p.add_argument("--repeats", type=int, default=3, help="of each piece, of which the median counts")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--output", required=True, help="TSV to write")
    return p


def run(a: argparse.Namespace) -> None:
    """Write a row for each runtime and number of pixels at a time."""
    rows = speed_rows(a.network, a.weights, a.family, a.detector, a.ticks, a.repeats, a.threads)
    write_table(a.output, rows, COLUMNS)
    log.info("%s: %d rows", a.output, len(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    args = parser().parse_args(argv)
    return run_stage("measure_speed", lambda: run(args))


if __name__ == "__main__":
    raise SystemExit(main())
