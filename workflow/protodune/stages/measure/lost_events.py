"""List the events that the conversions left out: one line per damaged event of any sample."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from protodune.core.files import write_text
from protodune.core.tables import write_table
from protodune.measure.lost_events import COLUMNS, lost_events
from protodune.publish.tables import lost_events_page
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("lost_events", __doc__)
    p.add_argument("--events", required=True, nargs="+", help="HDF5 event stores")
    p.add_argument("--output", required=True, help="table to write: .tsv, with .html beside it")
    return p


def run(events: list[str], output: str) -> None:
    """Gather the lost events of all stores; without any the tables say so."""
    rows = lost_events(events)
    write_table(output, rows, list(COLUMNS))
    write_text(Path(output).with_suffix(".html"), lost_events_page(rows))
    log.info("%d event(s) left out of %d sample(s)", len(rows), len(events))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("lost_events", lambda: run(a.events, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
