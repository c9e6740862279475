"""Write what a method made of a sample as a ROOT file: denoised waveforms, and the regions of interest that it finds."""

from __future__ import annotations

import argparse
import logging

from protodune.rawio.export import export_products
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("export", __doc__)
    p.add_argument("--events", required=True, help="HDF5 event store")
    p.add_argument("--products", required=True, nargs="+", help="product files of a method, one per plane family")
    p.add_argument(
        "--denoised-runs-adc",
        type=float,
        help="write also the runs of denoised values of larger size, ADC of the reference gain (default: do not)",
    )
    p.add_argument("--output", required=True, help="ROOT file to write")
    return p


def run(events: str, products: list[str], output: str, denoised_runs_adc: float | None = None) -> None:
    """Write all good channels of all planes that the product files hold."""
    entries = export_products(events, products, output, denoised_runs_adc)
    log.info("%s: %s", output, ", ".join(f"{count} entries of {tree}" for tree, count in entries.items()))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("export", lambda: run(a.events, a.products, a.output, a.denoised_runs_adc))


if __name__ == "__main__":
    raise SystemExit(main())
