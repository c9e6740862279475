"""Compare region selectors: points of the ROC curves, and areas under them with errors by event."""

from __future__ import annotations

import argparse
import logging

from protodune.core.tables import write_table
from protodune.measure.curves import AREA_COLUMNS, POINT_COLUMNS, areas_and_points
from protodune.measure.rows import read_rows, require_one_detector
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("curves", __doc__)
    p.add_argument("--measurements", required=True, nargs="+", help="scores: TSV files of the stage 'measure'")
    p.add_argument("--mixed-detectors", action="store_true", help="take scores of several detectors, each added up alone")
    p.add_argument("--areas", required=True, help="TSV of the areas to write")
    p.add_argument("--points", required=True, help="TSV of the points to write")
    return p


def run(measurements: list[str], areas: str, points: str, mixed_detectors: bool = False) -> None:
    """Add up the counts of each method over its samples and write areas and points; a method without regions has none."""
    _, rows = read_rows(measurements)
    require_one_detector(rows, mixed_detectors)
    area_rows, point_rows = areas_and_points(rows)
    write_table(areas, area_rows, list(AREA_COLUMNS))
    write_table(points, point_rows, list(POINT_COLUMNS))
    log.info("%s: %d region selectors", areas, len(area_rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("curves", lambda: run(a.measurements, a.areas, a.points, a.mixed_detectors))


if __name__ == "__main__":
    raise SystemExit(main())
