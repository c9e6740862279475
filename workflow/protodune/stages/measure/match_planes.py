"""Compare the charges that the three planes of a unit see of one point, before and after a method; no truth is needed."""

from __future__ import annotations

import argparse
import contextlib
import logging

from protodune.core.tables import write_table
from protodune.events.products import Products
from protodune.events.store import EventStore
from protodune.measure.crossings import columns, crossing_rows
from protodune.stages.command import run_stage
from protodune.stages.measure.per_method import about, method_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = method_parser("match_planes", __doc__, family=False)
    p.add_argument("--products", required=True, nargs=2, help="HDF5 product files of the method, one of each plane family")
    return p


def run(about: dict[str, str], events: str, products: list[str], output: str) -> None:
    """Write one row per point that all planes see.  A method without waveforms has no row.

    ``about``: task, step, method and sample.
    """
    with contextlib.ExitStack() as files:
        store = files.enter_context(EventStore(events))
        rows = crossing_rows(store, [files.enter_context(Products(path)) for path in products], about)
        write_table(output, rows, columns(store.detector))
    log.info("%s: %d points", output, len(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("match_planes", lambda: run(about(a), a.events, a.products, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
