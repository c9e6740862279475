"""Gather what the checks of all samples found into one table."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from protodune.core.files import write_text
from protodune.core.tables import read_table, write_table
from protodune.publish.checks import COLUMNS, checks_text
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("gather_checks", __doc__)
    p.add_argument("--rows", required=True, nargs="*", help="TSV files of the stage 'check', one per sample")
    p.add_argument("--output", required=True, help="table to write: .tsv, with .md beside it")
    return p


def run(rows: list[str], output: str) -> None:
    """Write the table, and the same for people beside it; without any source it says so."""
    found = [row for path in rows for row in read_table(path)]
    write_table(output, found, list(COLUMNS))
    write_text(Path(output).with_suffix(".md"), checks_text(found))
    log.info("%s: %d samples", output, len(found))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("gather_checks", lambda: run(a.rows, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
