"""The command ``protodune``: look into files, clean them without the workflow, ask how a campaign stands."""

from __future__ import annotations

import argparse
import sys

import protodune
from protodune.detector.registry import DEFAULT, find_detector
from protodune.rawio.inspection import inspect
from protodune.rawio.remote import Access
from protodune.stages.command import run_stage


def parser() -> argparse.ArgumentParser:
    """Command line of ``protodune``."""
    p = argparse.ArgumentParser(prog="protodune", description="Look into raw and converted files, and clean raw ones.")
    p.add_argument("--version", action="version", version=protodune.__version__)
    commands = p.add_subparsers(dest="command", required=True)
    q = commands.add_parser("inspect", help="what is in a ROOT, HDF5 or .npy file, and what is wrong with it")
    q.add_argument("file", nargs="+")
    q.add_argument("--tag", help="art tag module[:instance[:process]] of the digits")
    q.add_argument("--detector", default=DEFAULT, help="detector that the channels belong to, by name (default %(default)s)")
    q.add_argument("--tries", type=int, default=Access.tries, help="how often an address is asked (default %(default)s)")
    q.add_argument("--all", action="store_true", help="read every event, not only the first five")
    q = commands.add_parser(
        "clean", help="clean files of raw digits: each becomes a ROOT file; options: protodune clean --help"
    )
    q.add_argument("arguments", nargs=argparse.REMAINDER)
    q = commands.add_parser(
        "justin", help="write a job script for DUNE's justIN that cleans files; options: protodune justin --help"
    )
    q.add_argument("arguments", nargs=argparse.REMAINDER)
    q = commands.add_parser(
        "campaign", help="how a campaign stands, and failed files once more; options: protodune campaign --help"
    )
    q.add_argument("arguments", nargs=argparse.REMAINDER)
    return p


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns 1 if a file has a problem."""
    given = sys.argv[1:] if argv is None else argv
    if given[:1] == ["clean"]:
        from protodune.stages.produce import clean  # torch is not for a look into a file

        return clean.main(given[1:])
    if given[:1] == ["justin"]:
        from protodune.stages.produce import justin

        return justin.main(given[1:])
    if given[:1] == ["campaign"]:
        from protodune.stages.publish import campaign

        return campaign.main(given[1:])
    a = parser().parse_args(given)
    problems = []

    def action() -> None:
        for path in a.file:
            report = inspect(path, find_detector(a.detector), a.tag, a.all, Access(tries=a.tries))
            print(report.text(), end="")
            problems.extend(report.problems)

    return run_stage("inspect", action) or int(bool(problems))


if __name__ == "__main__":
    raise SystemExit(main())
