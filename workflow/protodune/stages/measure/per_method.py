"""Options that the stages share which look at one method on one sample."""

from __future__ import annotations

import argparse

from protodune.detector.model import FAMILIES
from protodune.stages.command import stage_parser


def method_parser(name: str, description: str, family: bool = True) -> argparse.ArgumentParser:
    """Return a parser with task, step, method, sample, events and output, and the plane family unless all are looked at."""
    p = stage_parser(name, description)
    p.add_argument("--task", required=True, help="task of the step")
    p.add_argument("--step", required=True, help="step of the chain that made the products")
    p.add_argument("--method", required=True)
    if family:
        p.add_argument("--family", required=True, choices=FAMILIES, help="plane family")
    p.add_argument("--sample", required=True)
    p.add_argument("--events", required=True, help="HDF5 event store")
    p.add_argument("--output", required=True, help="TSV to write")
    return p


def about(a: argparse.Namespace) -> dict[str, str]:
    """Return what the rows of a table say of the method and its sample."""
    return {"task": a.task, "step": a.step, "method": a.method, "sample": a.sample}
