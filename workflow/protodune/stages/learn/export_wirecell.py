"""Write a trained region selector as TorchScript that Wire-Cell's DNNROIFinding runs, with a card beside it."""

from __future__ import annotations

import argparse
import json

from protodune.core.settings import load_schema
from protodune.detector.model import FAMILIES
from protodune.learning.wirecell import export_wirecell
from protodune.stages.command import run_stage, stage_parser


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    margins = load_schema("config")["properties"]["export"]["properties"]["wirecell_margins"]["default"]
    p = stage_parser("export_wirecell", __doc__)
    p.add_argument("--weights", required=True, help="weights of the network (.safetensors)")
    p.add_argument("--family", required=True, choices=FAMILIES, help="family of planes")
    p.add_argument(
        "--margins",
        type=json.loads,
        default=margins,
        help="by how much regions grow on both sides: JSON pairs of a length from which on, and a margin, in slices of ten "
        "ticks (default: %(default)s)",
    )
    p.add_argument("--output", required=True, help="TorchScript file to write")
    p.add_argument("--card", required=True, help="Markdown file to write: what it is, and how it is put into Wire-Cell")
    return p


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("export_wirecell", lambda: export_wirecell(a.weights, a.family, a.output, a.card, a.margins))


if __name__ == "__main__":
    raise SystemExit(main())
