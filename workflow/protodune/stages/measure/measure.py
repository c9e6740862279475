"""Measure one method on one sample with truth: scores for the tables, or details for figures and reproduction."""

from __future__ import annotations

import argparse
import logging

from protodune.core.errors import ProtoduneError
from protodune.core.tables import write_table
from protodune.events.products import Products
from protodune.events.store import EventStore
from protodune.measure.measuring import measure_products
from protodune.measure.rows import COLUMNS
from protodune.measure.spec import LEVELS, measures_of
from protodune.stages.command import run_stage
from protodune.stages.measure.per_method import about, method_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = method_parser("measure", __doc__)
    p.add_argument("--level", required=True, choices=LEVELS, help="which of the task's measures to run")
    p.add_argument("--products", required=True, help="HDF5 product file of the method")
    return p


def run(level: str, about: dict[str, str], family: str, events: str, products: str, output: str) -> None:
    """Run the measures of the task that are of a level; one row per image, metric and bin.

    ``about``: task, step, method and sample.
    """
    with EventStore(events) as store, Products(products) as found:
        if found.family != family:
            raise ProtoduneError(f"{products}: made of {found.family} planes, expected {family} planes")
        rows = measure_products(store, found, measures_of(about["task"], level), about)
    write_table(output, rows, list(COLUMNS))
    log.info("%s: %d values", output, len(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("measure", lambda: run(a.level, about(a), a.family, a.events, a.products, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
