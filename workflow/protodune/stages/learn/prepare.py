"""Cut training patches (crops or tiles) of one plane family out of an event store."""

from __future__ import annotations

import argparse
import logging

from protodune.learning.patches import PatchSettings, write_patches
from protodune.detector.geometry import PLANE_FAMILIES
from protodune.core.settings import parse_settings
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("prepare", __doc__)
    p.add_argument("--settings", required=True, help="JSON of PatchSettings")
    p.add_argument("--plane", required=True, choices=sorted(PLANE_FAMILIES))
    p.add_argument("--events", required=True, help="HDF5 event store")
    p.add_argument("--output", required=True, help="HDF5 patch file to write")
    return p


def run(settings: PatchSettings, plane: str, events: str, output: str) -> None:
    """Write the patches of one sample."""
    log.info("%s: %d patches", output, write_patches(events, plane, settings, output))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    args = parser().parse_args(argv)
    return run_stage(
        "prepare", lambda: run(parse_settings(PatchSettings, args.settings), args.plane, args.events, args.output)
    )


if __name__ == "__main__":
    raise SystemExit(main())
