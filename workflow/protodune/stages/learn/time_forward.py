"""Time one network on one piece of a plane, in a process of its own so that the memory is its own; printed as JSON."""

from __future__ import annotations

import argparse
import json

from protodune.detector.model import FAMILIES
from protodune.detector.registry import DEFAULT
from protodune.learning.timing import time_forward
from protodune.stages.command import number, run_stage, stage_parser

RUNTIMES = ("float32", "bfloat16", "onnx")


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("time_forward", __doc__)
    p.add_argument("--weights", required=True, help="weights of the network (.safetensors)")
    p.add_argument("--family", required=True, choices=FAMILIES, help="family of planes")
    p.add_argument("--detector", default=DEFAULT, help="name of the detector")
    p.add_argument("--runtime", required=True, choices=RUNTIMES, help="PyTorch in either precision, or ONNX Runtime")
    p.add_argument("--share", required=True, type=number, help="share of a plane's pixels at a time")
    p.add_argument("--ticks", type=int, help="ticks of a plane; the detector's readout if left out")
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--threads", type=int, default=1)
    return p


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    arguments = (a.weights, a.family, a.detector, a.runtime, a.share, a.ticks, a.repeats, a.threads)
    return run_stage("time_forward", lambda: print(json.dumps(time_forward(*arguments))))


if __name__ == "__main__":
    raise SystemExit(main())
