"""Cut training patches (crops or tiles) of one family of planes out of an event store."""

from __future__ import annotations

import argparse
import contextlib
import logging

from protodune.core.settings import parse_settings
from protodune.detector.model import FAMILIES
from protodune.learning.chain import open_inputs, parse_inputs
from protodune.learning.patches import PatchSettings, write_patches
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("prepare", __doc__)
    p.add_argument("--settings", required=True, help="JSON of PatchSettings")
    p.add_argument("--family", required=True, choices=FAMILIES, help="family of planes")
    p.add_argument("--events", required=True, help="HDF5 event store")
    p.add_argument("--inputs", nargs="*", default=[], metavar="STEP=FILE", help="products of earlier steps that they hold")
    p.add_argument("--output", required=True, help="HDF5 patch file to write")
    return p


def run(args: argparse.Namespace) -> None:
    """Write the patches of one sample."""
    settings = parse_settings(PatchSettings, args.settings)
    with contextlib.ExitStack() as stack:
        inputs = open_inputs(parse_inputs(args.inputs), stack)
        log.info("%s: %d patches", args.output, write_patches(args.events, args.family, settings, args.output, inputs))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    args = parser().parse_args(argv)
    return run_stage("prepare", lambda: run(args))


if __name__ == "__main__":
    raise SystemExit(main())
