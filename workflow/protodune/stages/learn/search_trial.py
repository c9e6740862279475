"""One trial of a search for settings: ask what to try, train, tell how it went."""

from __future__ import annotations

import argparse

from protodune.core.settings import parse_settings
from protodune.learning.search import SearchSettings, search_trial
from protodune.stages.command import run_stage, stage_parser
from protodune.stages.learn.train import add_job_options, job_of


def parser() -> argparse.ArgumentParser:
    """Command line of the stage: that of training, and of the study."""
    p = stage_parser("search_trial", __doc__)
    add_job_options(p)
    p.add_argument("--settings", required=True, help="JSON of SearchSettings")
    p.add_argument("--number", type=int, required=True, help="of the search trial, from 0")
    p.add_argument("--study", required=True, help="file in which the search trials know of each other")
    p.add_argument("--output", required=True, help="TSV to write, one row")
    return p


def run(settings: SearchSettings, args: argparse.Namespace) -> None:
    """Train what the study suggests and write a row on it."""
    search_trial(settings, job_of(args), args.number, args.study, args.output)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    args = parser().parse_args(argv)
    return run_stage("search", lambda: run(parse_settings(SearchSettings, args.settings), args))


if __name__ == "__main__":
    raise SystemExit(main())
