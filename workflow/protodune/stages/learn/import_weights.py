"""Turn weights that DUNEdn published (.pth) into a weights file of ours."""

from __future__ import annotations

import argparse

from protodune.detector.model import FAMILIES
from protodune.learning.dunedn_weights import write_imported
from protodune.stages.command import run_stage, stage_parser


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("import_weights", __doc__)
    p.add_argument("--source", required=True, help=".pth file with a state dict of DUNEdn's CNN, GCNN or USCG-Net")
    p.add_argument("--family", required=True, choices=FAMILIES, help="family of planes that it was trained for")
    p.add_argument("--task", default="denoise", help="name of the task that it was trained for")
    p.add_argument("--step", default="denoise", help="step of the chain that it is for")
    p.add_argument("--output", required=True, help="weights to write (.safetensors), for models.NAME.weights")
    return p


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("import_weights", lambda: write_imported(a.source, a.family, a.task, a.step, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
