"""Check the embedded simulation: ten acceptance checks, as tables to draw and to read."""

from __future__ import annotations

import argparse
import dataclasses
import logging

from tqdm import tqdm

from protodune.classical.coherent import low_pass_without_coherent_noise
from protodune.core.tables import write_table
from protodune.detector.registry import DEFAULT, find_detector
from protodune.simulation.acceptance import CHECKS, Bench, Check, Findings, Point
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("accept", __doc__)
    p.add_argument("--checks", required=True, help="TSV to write: one row per number that was checked")
    p.add_argument("--points", required=True, help="TSV to write: the points of the figures")
    p.add_argument("--detector", default=DEFAULT, help="detector to simulate, by name (default %(default)s)")
    return p


def run(checks: str, points: str, detector: str = DEFAULT) -> Findings:
    """Run all checks and write both tables; a failed check is said and stays in the table."""
    bench = Bench(find_detector(detector), low_pass_without_coherent_noise)
    found = Findings()
    for check in tqdm(CHECKS, unit="check", disable=None):
        part = check(bench)
        found.checks += part.checks
        found.points += part.points
        failed = [c.name for c in part.checks if not c.passed]
        log.info("%s: %s", check.__name__, f"FAILED: {', '.join(failed)}" if failed else "passed")
    names = [f.name for f in dataclasses.fields(Check)]
    write_table(checks, [{**dataclasses.asdict(c), "passed": int(c.passed)} for c in found.checks], [*names, "passed"])
    write_table(points, [dataclasses.asdict(p) for p in found.points], [f.name for f in dataclasses.fields(Point)])
    return found


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("accept", lambda: run(a.checks, a.points, a.detector))


if __name__ == "__main__":
    raise SystemExit(main())
