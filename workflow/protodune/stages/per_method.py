"""What the stages share that look at one method on one sample and plane family."""

from __future__ import annotations

import argparse

from protodune.detector.geometry import PLANE_FAMILIES
from protodune.stages.command import stage_parser


def method_parser(name: str, description: str, predictions: bool = True) -> argparse.ArgumentParser:
    """Return a parser with plane family, method, sample, events, predictions (unless there are several) and output."""
    p = stage_parser(name, description)
    p.add_argument("--plane", required=True, choices=sorted(PLANE_FAMILIES))
    p.add_argument("--method", required=True)
    p.add_argument("--sample", required=True)
    p.add_argument("--events", required=True, help="HDF5 event store")
    if predictions:
        p.add_argument("--predictions", required=True, help="HDF5 prediction file")
    p.add_argument("--output", required=True, help="TSV to write")
    return p
