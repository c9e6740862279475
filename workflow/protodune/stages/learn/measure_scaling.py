"""Measure how a training scales: strong and weak, over the ranks that the machine or the queue's allocation offers."""

from __future__ import annotations

import argparse

from protodune.core.tables import write_table
from protodune.launch.scaling import COLUMNS, Study, scaling_rows
from protodune.stages.command import run_stage, stage_parser


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("measure_scaling", __doc__)
    p.add_argument("--settings", required=True, help="JSON of TrainingSettings")
    p.add_argument("--train", required=True, nargs="+", help="patch files")
    p.add_argument("--ranks", type=int, nargs="*", default=[], help="numbers of ranks; default: 1, 2, 3, 4, 6, 8, ...")
    p.add_argument("--offered", type=int, default=1, help="ranks that this machine has room for; a queue says itself")
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--repeats", type=int, default=3, help="how often every number of ranks is timed")
    p.add_argument("--threads", type=int, default=1, help="CPU threads per rank")
    p.add_argument("--launcher-options", default="", help="further options of protodune.stages.learn.launch")
    p.add_argument("--output", required=True, help="TSV to write")
    return p


def run(a: argparse.Namespace) -> None:
    """Time steps at every number of ranks and write medians and the model's extrapolation."""
    study = Study(a.settings, a.train, a.ranks, a.offered, a.steps, a.repeats, a.threads, a.launcher_options)
    write_table(a.output, scaling_rows(study), COLUMNS)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    args = parser().parse_args(argv)
    return run_stage("scaling", lambda: run(args))


if __name__ == "__main__":
    raise SystemExit(main())
