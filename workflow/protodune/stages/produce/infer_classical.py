"""Denoise the planes of a sample with a classical method."""

from __future__ import annotations

import argparse
import dataclasses

from protodune.classical.methods import MethodSettings, PlaneReadout, run_method
from protodune.detector.geometry import PLANE_FAMILIES
from protodune.events.predictions import predict_sample
from protodune.events.products import PlaneProduct
from protodune.core.provenance import versions
from protodune.core.settings import parse_settings
from protodune.stages.command import run_stage, stage_parser
from protodune.events.store import EventStore


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("infer_classical", __doc__)
    p.add_argument("--settings", required=True, help="JSON of MethodSettings")
    p.add_argument("--plane", required=True, choices=sorted(PLANE_FAMILIES))
    p.add_argument("--events", required=True, help="HDF5 event store")
    p.add_argument("--output", required=True, help="HDF5 prediction file to write")
    p.add_argument("--threads", type=int, default=1, help="threads of the Fourier transforms")
    p.add_argument("--code", default="", help="digest of the code, with which an interrupted run may go on")
    return p


def run(settings: MethodSettings, plane: str, events: str, output: str, threads: int = 1, code: str = "") -> None:
    """Write the predictions of one method for one plane family of one sample."""

    def method(store: EventStore, view: str, image: int) -> PlaneProduct:
        readout = PlaneReadout(view, store.adc(view, image), store.waveforms(view, image), store.bad(view, image))
        return run_method(settings, readout, threads)

    about = {"settings": dataclasses.asdict(settings), "versions": versions("numpy", "scipy")}
    predict_sample(method, events, plane, output, about, code)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage(
        "infer", lambda: run(parse_settings(MethodSettings, a.settings), a.plane, a.events, a.output, a.threads, a.code)
    )


if __name__ == "__main__":
    raise SystemExit(main())
