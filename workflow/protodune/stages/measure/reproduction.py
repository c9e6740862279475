"""The reproduction table: DUNEdn's own metrics, before and after its cut, and its confusion shares."""

from __future__ import annotations

import argparse
import logging

from protodune.core.tables import write_table
from protodune.measure.reproduction import COLUMNS, reproduction_rows
from protodune.measure.rows import read_rows
from protodune.publish.reproduction_table import reproduction_blocks
from protodune.publish.typeset import write_beside
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("reproduction", __doc__)
    p.add_argument("--tables", required=True, nargs="+", help="averaged details, TSV, one per plane family")
    p.add_argument("--output", required=True, help="TSV to write, with .md, .tex and .html beside it")
    return p


def run(tables: list[str], output: str) -> None:
    """Write the table; DUNEdn's definitions are in this one only."""
    rows = reproduction_rows(read_rows(tables)[1])
    write_table(output, rows, list(COLUMNS))
    write_beside(output, reproduction_blocks(rows), "Reproduction of DUNEdn's metrics")
    log.info("%s: %d rows", output, len(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("reproduction", lambda: run(a.tables, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
