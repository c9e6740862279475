"""What a method recovers of signals that were added to a recording."""

from __future__ import annotations

import argparse
import logging

from protodune.core.tables import write_table
from protodune.events.products import Products
from protodune.events.store import EventStore
from protodune.measure.injection import injection_rows
from protodune.measure.rows import COLUMNS
from protodune.stages.command import run_stage
from protodune.stages.measure.per_method import about, method_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = method_parser("score_injection", __doc__)
    p.add_argument("--before", required=True, help="HDF5 product file of the recording")
    p.add_argument("--after", required=True, help="HDF5 product file of the recording with the signals")
    return p


def run(about: dict[str, str], events: str, before: str, after: str, output: str) -> None:
    """Score one method; one row per image, metric and bin of charge.  A method without waveforms has no row.

    ``about``: task, step, method and sample.
    """
    with EventStore(events) as store, Products(before) as old, Products(after) as new:
        rows = injection_rows(store, old, new, about)
    write_table(output, rows, list(COLUMNS))
    log.info("%s: %d values", output, len(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("score_injection", lambda: run(about(a), a.events, a.before, a.after, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
