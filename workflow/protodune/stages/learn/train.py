"""Train one network on the patches of one family of planes, on one process or on the ranks that a launcher started."""

from __future__ import annotations

import argparse

from protodune.core.settings import parse_settings
from protodune.learning.training.distributed import BACKENDS
from protodune.learning.training.fit import Job, train_network
from protodune.learning.training.settings import TrainingSettings
from protodune.stages.command import number, run_stage, stage_parser


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("train", __doc__)
    add_job_options(p)
    p.add_argument("--settings", required=True, help="JSON of TrainingSettings")
    p.add_argument("--output", required=True, help="folder for weights.safetensors, history.tsv and settings.json")
    return p


def add_job_options(p: argparse.ArgumentParser) -> None:
    """Add what a training runs on."""
    p.add_argument("--train", required=True, nargs="+", help="patch files to train on")
    p.add_argument("--val", required=True, nargs="+", help="patch files to validate on")
    p.add_argument("--checkpoints", help="folder for rolling checkpoints; a retry resumes from the last one")
    p.add_argument("--code", default="", help="digest of the code, part of the checkpoint's fingerprint")
    p.add_argument("--threads", type=int, default=1, help="CPU threads of all ranks on this node together")
    p.add_argument("--backend", default="auto", choices=BACKENDS)
    p.add_argument("--checkpoint-minutes", type=number, default=10.0, help="at most so much work is lost")
    p.add_argument("--watchdog-minutes", type=number, default=20.0, help="without progress the job ends; 0: never")
    p.add_argument("--fusion-mb", type=number, default=64.0, help="gradients travel in buffers of this size; 0: in one")


def job_of(args: argparse.Namespace) -> Job:
    """Return what a training runs on, from the command line."""
    return Job(
        args.train, args.val, args.checkpoints, args.code, args.threads, args.backend, args.checkpoint_minutes,
        args.watchdog_minutes, args.fusion_mb,
    )  # fmt: skip


def run(settings: TrainingSettings, args: argparse.Namespace) -> None:
    """Train and write the three products."""
    train_network(settings, job_of(args), args.output)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    args = parser().parse_args(argv)
    return run_stage("train", lambda: run(parse_settings(TrainingSettings, args.settings), args))


if __name__ == "__main__":
    raise SystemExit(main())
