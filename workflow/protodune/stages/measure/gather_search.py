"""Gather the trials of a search for settings into one table, the best first."""

from __future__ import annotations

import argparse
import logging

from protodune.core.errors import ProtoduneError
from protodune.core.tables import write_table
from protodune.measure.rows import read_rows
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("gather_search", __doc__)
    p.add_argument("--trials", required=True, nargs="+", help="TSV files of the stage 'search_trial'")
    p.add_argument("--output", required=True, help="TSV to write")
    return p


def run(trials: list[str], output: str) -> None:
    """Write one row per trial, the smallest validation loss first."""
    columns, rows = read_rows(trials)
    if not rows:
        raise ProtoduneError(f"{', '.join(trials)}: no trials, expected at least one; run the stage 'search_trial'")
    write_table(output, sorted(rows, key=lambda r: float(r["val_loss"])), columns)
    log.info("%s: %d trials", output, len(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("gather_search", lambda: run(a.trials, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
