"""Time training steps on the ranks that a launcher started; rank 0 writes what they took."""

from __future__ import annotations

import argparse

from protodune.core.settings import parse_settings
from protodune.learning.training.distributed import BACKENDS
from protodune.learning.training.settings import TrainingSettings
from protodune.learning.training.timing import MODES, time_steps
from protodune.stages.command import run_stage, stage_parser


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("time_steps", __doc__)
    p.add_argument("--settings", required=True, help="JSON of TrainingSettings")
    p.add_argument("--train", required=True, nargs="+", help="patch files")
    p.add_argument("--mode", required=True, choices=MODES, help="global batch as set, or times the ranks")
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--threads", type=int, default=1, help="CPU threads per rank")
    p.add_argument("--backend", default="auto", choices=BACKENDS)
    p.add_argument("--output", required=True, help="JSON to write")
    return p


def run(a: argparse.Namespace) -> None:
    """Time the steps and write what they took."""
    time_steps(parse_settings(TrainingSettings, a.settings), a.train, a.mode, a.steps, a.threads, a.backend, a.output)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    args = parser().parse_args(argv)
    return run_stage("time_steps", lambda: run(args))


if __name__ == "__main__":
    raise SystemExit(main())
