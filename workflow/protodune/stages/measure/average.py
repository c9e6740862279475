"""Average tables of single images over events, with errors by event."""

from __future__ import annotations

import argparse
import logging

from protodune.core.tables import write_table
from protodune.measure.average import all_keys, average_rows, averaged_columns
from protodune.measure.rows import read_rows, require_one_detector
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("average", __doc__)
    p.add_argument("--tables", required=True, nargs="*", help="TSV files with columns sample, run, subrun, event")
    p.add_argument("--keys", required=True, nargs="+", help="columns by which to average, besides detector, task and step")
    p.add_argument("--values", nargs="+", default=["value"], help="columns to average")
    p.add_argument("--mixed-detectors", action="store_true", help="take tables of several detectors, each averaged alone")
    p.add_argument("--output", required=True, help="TSV to write: keys, a mean and an error of each value, events")
    return p


def run(tables: list[str], keys: list[str], values: list[str], output: str, mixed_detectors: bool = False) -> None:
    """Write the means; a single event has no error (nan)."""
    columns, rows = read_rows(tables)
    require_one_detector(rows, mixed_detectors)
    keys = all_keys(columns, keys)
    averaged = average_rows(rows, keys, values)
    write_table(output, averaged, averaged_columns(keys, values))
    log.info("%s: %d rows", output, len(averaged))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("average", lambda: run(a.tables, a.keys, a.values, a.output, a.mixed_detectors))


if __name__ == "__main__":
    raise SystemExit(main())
