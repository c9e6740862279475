"""Make the INT8 file of a network, beside its weights, and compare it with float32 (docs/models.md, section INT8)."""

from __future__ import annotations

import argparse

from protodune.core.errors import ProtoduneError
from protodune.detector.model import FAMILIES
from protodune.learning.quantization import quantize
from protodune.stages.command import run_stage, stage_parser


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("quantize", __doc__)
    p.add_argument("--weights", required=True, help="weights of the network (.safetensors)")
    p.add_argument("--family", required=True, choices=FAMILIES, help="family of planes")
    p.add_argument("--calibration", nargs="+", required=True, metavar="EVENTS", help="event stores like those of its use")
    p.add_argument("--check", nargs="+", required=True, metavar="EVENTS", help="other event stores, with truth")
    return p


def run(a: argparse.Namespace) -> None:
    """Make the file; a ProtoduneError if it is too far from float32."""
    about = quantize(a.weights, a.family, a.calibration, a.check)
    if about["problem"]:
        raise ProtoduneError(f"{a.weights}: {about['problem']}; give other or more calibration planes, or use bfloat16")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("quantize", lambda: run(a))


if __name__ == "__main__":
    raise SystemExit(main())
