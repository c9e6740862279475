"""List what the conversions left out: one line a damaged event of any sample."""

from __future__ import annotations

import argparse
import html
import logging
from pathlib import Path

from protodune.core.files import write_text
from protodune.stages.command import run_stage, stage_parser
from protodune.events.store import EventStore
from protodune.core.tables import write_table

log = logging.getLogger(__name__)
COLUMNS = ["sample", "entry", "cause"]


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("losses", __doc__)
    p.add_argument("--events", required=True, nargs="+", help="HDF5 event stores")
    p.add_argument("--output", required=True, help="table to write: .tsv, with .html beside it")
    return p


def run(events: list[str], output: str) -> None:
    """Gather the losses of all stores; without any the tables say so."""
    rows = []
    for path in events:
        with EventStore(path) as store:
            rows += [{"sample": store.about["sample"], **loss} for loss in store.losses]
    write_table(output, rows, COLUMNS)
    lines = [f"<li>{html.escape(str(r['sample']))}, entry {r['entry']}: {html.escape(r['cause'])}</li>" for r in rows]
    found = "<ul>" + "".join(lines) + "</ul>" if rows else "<p>No event was left out.</p>"
    write_text(Path(output).with_suffix(".html"), f"<!doctype html><meta charset='utf-8'><title>Losses</title>{found}\n")
    log.info("%d event(s) left out of %d sample(s)", len(rows), len(events))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("losses", lambda: run(a.events, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
