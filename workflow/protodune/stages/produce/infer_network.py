"""Run a trained network over the planes of a sample."""

from __future__ import annotations

import argparse

from protodune.core.settings import parse_settings
from protodune.detector.model import FAMILIES
from protodune.learning.chain import parse_inputs
from protodune.learning.method import NetworkSettings, infer_sample, load_method
from protodune.stages.command import run_stage, stage_parser


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("infer_network", __doc__)
    p.add_argument("--settings", required=True, help="JSON of NetworkSettings")
    p.add_argument("--step", required=True, help="step of the chain that the product is for")
    p.add_argument("--method", required=True, help="name of the method")
    p.add_argument("--family", required=True, choices=FAMILIES, help="family of planes")
    p.add_argument("--events", required=True, help="HDF5 event store")
    p.add_argument("--weights", required=True, help="weights of the network")
    p.add_argument("--inputs", nargs="*", default=[], metavar="STEP=FILE", help="products of earlier steps that it reads")
    p.add_argument("--output", required=True, help="HDF5 product file to write")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--code", default="", help="digest of the code, with which an interrupted run may go on")
    return p


def run(args: argparse.Namespace) -> None:
    """Write the products of one network for one family of planes of one sample."""
    method = load_method(parse_settings(NetworkSettings, args.settings), args.family, args.weights, args.threads)
    infer_sample(method, args.step, args.method, args.events, args.output, parse_inputs(args.inputs), args.code)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    args = parser().parse_args(argv)
    return run_stage("infer", lambda: run(args))


if __name__ == "__main__":
    raise SystemExit(main())
