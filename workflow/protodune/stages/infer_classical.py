"""Denoise the planes of a sample with a classical method."""

from __future__ import annotations

import argparse
import dataclasses

import numpy as np

from protodune.classical.methods import MethodSettings, run_method
from protodune.geometry import PLANE_FAMILIES, PLANES
from protodune.predictions import predict_sample
from protodune.provenance import versions
from protodune.settings import parse_settings
from protodune.stages.command import run_stage, stage_parser
from protodune.store import BAD_CHANNEL, EventStore


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("infer_classical", __doc__)
    p.add_argument("--settings", required=True, help="JSON of MethodSettings")
    p.add_argument("--plane", required=True, choices=sorted(PLANE_FAMILIES))
    p.add_argument("--events", required=True, help="HDF5 event store")
    p.add_argument("--output", required=True, help="HDF5 prediction file to write")
    return p


def run(settings: MethodSettings, plane: str, events: str, output: str) -> None:
    """Write the predictions of one method for one plane family of one sample."""

    def method(store: EventStore, view: str, image: int) -> np.ndarray:
        bad = (store.status(view, image) & BAD_CHANNEL) != 0
        return run_method(settings, store.waveforms(view, image), PLANES[view].group_size, bad)

    about = {"settings": dataclasses.asdict(settings), "versions": versions("numpy", "scipy")}
    predict_sample(method, events, plane, output, about)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("infer", lambda: run(parse_settings(MethodSettings, a.settings), a.plane, a.events, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
