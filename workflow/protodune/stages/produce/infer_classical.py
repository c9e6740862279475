"""Denoise the planes of a sample with a classical method."""

from __future__ import annotations

import argparse
import dataclasses

from protodune.classical.methods import MethodSettings, as_method
from protodune.core.provenance import versions
from protodune.core.settings import parse_settings
from protodune.detector.model import FAMILIES
from protodune.events.making import make_products
from protodune.stages.command import run_stage, stage_parser
from protodune.tasks.spec import find_task


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("infer_classical", __doc__)
    p.add_argument("--settings", required=True, help="JSON of MethodSettings")
    p.add_argument("--task", required=True, help="what is asked of the method; its other images are not stored")
    p.add_argument("--step", required=True, help="step of the chain that the product belongs to")
    p.add_argument("--method", required=True, help="name of the method")
    p.add_argument("--family", required=True, choices=FAMILIES)
    p.add_argument("--events", required=True, help="HDF5 event store")
    p.add_argument("--output", required=True, help="HDF5 product file to write")
    p.add_argument("--threads", type=int, default=1, help="threads of the Fourier transforms")
    p.add_argument("--code", default="", help="digest of the code, with which an interrupted run may go on")
    return p


def run(
    settings: MethodSettings,
    task: str,
    step: str,
    method: str,
    family: str,
    events: str,
    output: str,
    threads: int = 1,
    code: str = "",
) -> None:
    """Write what one classical method makes of the planes of a family in a sample: those outputs that the task asks for."""
    about = {
        "task": task, "step": step, "method": method, "settings": dataclasses.asdict(settings),
        "versions": versions("numpy", "scipy"),
    }  # fmt: skip
    outputs = find_task(task).outputs
    make_products(as_method(settings, outputs, threads), events, family, outputs, output, about, code)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)

    def action() -> None:
        settings = parse_settings(MethodSettings, a.settings)
        run(settings, a.task, a.step, a.method, a.family, a.events, a.output, a.threads, a.code)

    return run_stage("infer", action)


if __name__ == "__main__":
    raise SystemExit(main())
