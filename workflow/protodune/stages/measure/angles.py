"""Gather the scores of samples of prolonged tracks by the angle of their tracks."""

from __future__ import annotations

import argparse
import json
import logging

from protodune.core.tables import write_table
from protodune.measure.rows import read_rows, require_one_detector
from protodune.measure.table import ANGLE_COLUMNS, by_angle
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("angles", __doc__)
    p.add_argument("--scores", required=True, nargs="+", help="TSV files of the stage 'measure'")
    p.add_argument("--angles", required=True, help="JSON: {sample: [name of a plane, theta_xz in degrees]}")
    p.add_argument("--mixed-detectors", action="store_true", help="take scores of several detectors, each averaged alone")
    p.add_argument("--output", required=True, help="TSV to write")
    return p


def run(scores: list[str], angles: dict[str, tuple[str, float]], output: str, mixed_detectors: bool = False) -> None:
    """Write means over events of every metric by plane, angle and method: scores on all channels of that plane only."""
    _, rows = read_rows(scores)
    require_one_detector(rows, mixed_detectors)
    table = by_angle(rows, angles)
    write_table(output, table, list(ANGLE_COLUMNS))
    log.info("%s: %d rows", output, len(table))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("angles", lambda: run(a.scores, json.loads(a.angles), a.output, a.mixed_detectors))


if __name__ == "__main__":
    raise SystemExit(main())
