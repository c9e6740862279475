"""Average tables of single images over events, with errors by event."""

from __future__ import annotations

import argparse
import logging

from protodune.measure.waveforms import average_rows
from protodune.stages.command import run_stage, stage_parser
from protodune.core.tables import read_table, write_table

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("average", __doc__)
    p.add_argument("--tables", required=True, nargs="*", help="TSV files with columns sample, run, subrun, event")
    p.add_argument("--keys", required=True, nargs="+", help="columns by which to average")
    p.add_argument("--values", nargs="+", default=["value"], help="columns to average")
    p.add_argument("--output", required=True, help="TSV to write: keys, a mean and an error of each value, events")
    return p


def run(tables: list[str], keys: list[str], values: list[str], output: str) -> None:
    """Write the means; a single event has no error (nan)."""
    averaged = average_rows((row for path in tables for row in read_table(path)), keys, values)
    names = [name for value in values for name in (value, f"{value}_error")]
    write_table(output, averaged, [*keys, *names, "events"])
    log.info("%s: %d rows", output, len(averaged))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("average", lambda: run(a.tables, a.keys, a.values, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
