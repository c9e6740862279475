"""Write a trained network as ONNX and TorchScript for other frameworks, each with the same model card beside it."""

from __future__ import annotations

import argparse

from protodune.detector.model import FAMILIES
from protodune.detector.registry import DEFAULT
from protodune.learning.export import export_model
from protodune.stages.command import run_stage, stage_parser


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("export_model", __doc__)
    p.add_argument("--weights", required=True, help="weights of the network (.safetensors)")
    p.add_argument("--family", required=True, choices=FAMILIES, help="family of planes")
    p.add_argument("--detector", default=DEFAULT, help="name of the detector whose planes it will see")
    p.add_argument("--ticks", type=int, help="ticks of a plane; the detector's readout if left out")
    p.add_argument("--output", required=True, help="folder for model.onnx, model.torchscript.pt and model_card.md")
    return p


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("export_model", lambda: export_model(a.weights, a.family, a.output, a.detector, a.ticks))


if __name__ == "__main__":
    raise SystemExit(main())
