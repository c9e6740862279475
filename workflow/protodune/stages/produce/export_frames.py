"""Write a sample as a frame file, so that Wire-Cell can run on it: raw digits with bad channels, and charge of a method."""

from __future__ import annotations

import argparse
import logging

from protodune.rawio.frame_export import export_frames
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("export_frames", __doc__)
    p.add_argument("--events", required=True, help="HDF5 event store")
    p.add_argument("--products", nargs="+", default=[], help="product files of a method with charge, one per plane family")
    p.add_argument("--output", required=True, help="frame file to write: .tar, .tar.gz, .tgz, .tar.bz2, .tar.xz or .npz")
    return p


def run(events: str, products: list[str], output: str) -> None:
    """Write all units of all events."""
    counts = export_frames(events, output, products)
    log.info("%s: %s", output, ", ".join(f"{count} frames {tag}" for tag, count in sorted(counts.items())))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("export_frames", lambda: run(a.events, a.products, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
