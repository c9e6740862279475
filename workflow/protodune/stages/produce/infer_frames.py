"""Take charge and regions of a sample from the frame file that Wire-Cell wrote."""

from __future__ import annotations

import argparse
import dataclasses

from protodune.core.files import checksum
from protodune.core.provenance import versions
from protodune.core.settings import parse_settings
from protodune.detector.model import FAMILIES
from protodune.events.making import make_products
from protodune.rawio.frames import FrameFile
from protodune.rawio.wirecell import FramesSettings, frames_method
from protodune.stages.command import run_stage, stage_parser
from protodune.tasks.spec import find_task


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("infer_frames", __doc__)
    p.add_argument("--settings", required=True, help="JSON of FramesSettings")
    p.add_argument("--task", required=True, help="what is asked of the method; its other images are not stored")
    p.add_argument("--step", required=True, help="step of the chain that the product belongs to")
    p.add_argument("--method", required=True, help="name of the method")
    p.add_argument("--family", required=True, choices=FAMILIES)
    p.add_argument("--events", required=True, help="HDF5 event store")
    p.add_argument("--frames", required=True, help="frame file of the same events")
    p.add_argument("--output", required=True, help="HDF5 product file to write")
    p.add_argument("--code", default="", help="digest of the code, with which an interrupted run may go on")
    return p


def run(
    settings: FramesSettings,
    task: str,
    step: str,
    method: str,
    family: str,
    events: str,
    frames: str,
    output: str,
    code: str = "",
) -> None:
    """Write what the frames hold of the planes of a family in a sample: those outputs that the task asks for."""
    outputs = find_task(task).outputs
    with FrameFile(frames) as file:
        about = {
            "task": task, "step": step, "method": method, "settings": dataclasses.asdict(settings), "frames": frames,
            "frames_sha256": checksum(frames), "versions": versions("numpy"),
        }  # fmt: skip
        make_products(frames_method(file, settings, outputs), events, family, outputs, output, about, code)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)

    def action() -> None:
        settings = parse_settings(FramesSettings, a.settings)
        run(settings, a.task, a.step, a.method, a.family, a.events, a.frames, a.output, a.code)

    return run_stage("infer", action)


if __name__ == "__main__":
    raise SystemExit(main())
