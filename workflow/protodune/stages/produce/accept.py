"""Check the embedded simulation: ten acceptance checks, as tables to draw and to read."""

from __future__ import annotations

import argparse
import dataclasses
import logging

from tqdm import tqdm

from protodune.simulation.acceptance import CHECKS, Check, Findings, Point
from protodune.stages.command import run_stage, stage_parser
from protodune.core.tables import write_table

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("accept", __doc__)
    p.add_argument("--checks", required=True, help="TSV to write: one row a number that was checked")
    p.add_argument("--points", required=True, help="TSV to write: the points of the figures")
    return p


def run(checks: str, points: str) -> Findings:
    """Run all checks and write both tables; a failed check is said and stays in the table."""
    found = Findings()
    for check in tqdm(CHECKS, unit="check", disable=None):
        part = check()
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
    return run_stage("accept", lambda: run(a.checks, a.points))


if __name__ == "__main__":
    raise SystemExit(main())
