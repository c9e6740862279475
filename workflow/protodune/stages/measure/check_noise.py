"""Check one method on one sample without any truth: noise, boards, spectra and pulses before and after."""

from __future__ import annotations

import argparse
import logging

from protodune.core.tables import write_table
from protodune.events.products import Products
from protodune.events.store import EventStore
from protodune.measure.noise import COLUMNS, check_products
from protodune.stages.command import run_stage
from protodune.stages.measure.per_method import about, method_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = method_parser("check_noise", __doc__)
    p.add_argument("--products", required=True, help="HDF5 product file of the method")
    return p


def run(about: dict[str, str], events: str, products: str, output: str) -> None:
    """Check one product file; one row per image, quantity and place.  A method without waveforms has no row.

    ``about``: task, step, method and sample.
    """
    with EventStore(events) as store, Products(products) as found:
        rows = check_products(store, found, about)
    write_table(output, rows, list(COLUMNS))
    log.info("%s: %d values", output, len(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("check_noise", lambda: run(about(a), a.events, a.products, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
