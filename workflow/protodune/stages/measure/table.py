"""Gather scores into the table of all methods: means over events with their standard errors."""

from __future__ import annotations

import argparse
import logging

from protodune.core.errors import ProtoduneError
from protodune.core.tables import write_table
from protodune.measure.rows import read_rows, require_one_detector
from protodune.measure.table import TABLE_COLUMNS, summarise
from protodune.publish.tables import methods_blocks
from protodune.publish.typeset import write_beside
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("table", __doc__)
    p.add_argument("--scores", required=True, nargs="+", help="TSV files of the stage 'measure'")
    p.add_argument("--mixed-detectors", action="store_true", help="take scores of several detectors, a block for each")
    p.add_argument("--output", required=True, help="table to write: .tsv, with .md, .tex and .html beside it")
    return p


def run(scores: list[str], output: str, mixed_detectors: bool = False) -> None:
    """Write ``output`` and the same as Markdown, LaTeX and HTML beside it."""
    _, rows = read_rows(scores)
    if not rows:
        raise ProtoduneError(f"{', '.join(scores)}: no scores, expected at least one image with truth; add a test sample")
    require_one_detector(rows, mixed_detectors)
    table = summarise(rows)
    write_table(output, table, list(TABLE_COLUMNS))
    write_beside(output, methods_blocks(table), "Methods")
    log.info("%s: %d rows", output, len(table))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("table", lambda: run(a.scores, a.output, a.mixed_detectors))


if __name__ == "__main__":
    raise SystemExit(main())
