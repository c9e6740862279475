"""How a campaign stands: `status` shows it at any time, `retry` has failed files tried again, `gather` writes the tables."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from protodune.campaign import state
from protodune.core.errors import ProtoduneError
from protodune.core.files import write_text
from protodune.core.tables import write_table
from protodune.publish.campaign_page import campaign_page, campaign_text
from protodune.stages.command import run_stage, stage_parser

FOLDER = Path("results") / "campaign"
PAGE = "status.html"


def parser() -> argparse.ArgumentParser:
    """Command line of the stage: one sub-command per thing to do."""
    p = stage_parser("campaign", __doc__)
    commands = p.add_subparsers(dest="command", required=True)
    q = commands.add_parser("status", help=f"print a table and write {FOLDER / PAGE}: done, failed and why, pending, rates")
    r = commands.add_parser("retry", help="have files that failed tried again by the next `snakemake campaign`")
    for sub in (q, r):
        sub.add_argument("--directory", default=".", metavar="DIR", help="working directory of the campaign (default: here)")
    q = commands.add_parser("gather", help="write the tables of a finished campaign, as the rule gather_campaign does")
    q.add_argument("--files", required=True, help="TSV to write: a row per file")
    q.add_argument("--runs", required=True, help="TSV to write: sums by sample and run")
    q.add_argument("--quality", required=True, help="TSV to write: what the data are like by sample, run and plane")
    return p


def status(directory: Path) -> None:
    """Print the table and write the page."""
    folder = directory / FOLDER
    found, when = state.read_state(folder), state.now()
    failed = list(state.failures(found))
    pictures = [os.path.relpath(p, folder) for p in sorted((folder / "pictures").glob("*/*.png"))]
    write_text(folder / PAGE, campaign_page(found.runs, found.quality, failed, pictures, found.recent_rate, when))
    print(campaign_text(found.runs, failed, found.recent_rate, when), end="", flush=True)


def retry(directory: Path) -> None:
    """Forget failures; a ProtoduneError if there are none."""
    count = state.forget_failures(directory / FOLDER)
    if not count:
        raise ProtoduneError(
            f"{directory / FOLDER}: found no file that failed, expected some; there is nothing to try again"
        )
    print(f"{count} file(s) will be tried again by the next `snakemake campaign`")


def gather(files: str, runs: str, quality: str) -> None:
    """Write the tables."""
    found = state.read_state(FOLDER)
    write_table(files, found.files, state.FILE_COLUMNS)
    write_table(runs, found.runs, state.RUN_COLUMNS)
    write_table(quality, found.quality, state.QUALITY_COLUMNS)


def run(a: argparse.Namespace) -> None:
    """Do what was asked for."""
    if a.command == "gather":
        gather(a.files, a.runs, a.quality)
    else:
        {"status": status, "retry": retry}[a.command](Path(a.directory))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("campaign", lambda: run(a))


if __name__ == "__main__":
    raise SystemExit(main())
