"""Inspect the source of a sample before hours are spent on it; problems end the stage."""

from __future__ import annotations

import argparse
import logging

from protodune.core.errors import ProtoduneError
from protodune.core.files import write_text
from protodune.detector.registry import DEFAULT, find_detector
from protodune.rawio.inspection import inspect
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("check", __doc__)
    p.add_argument("--source", required=True, help="file with the digits")
    p.add_argument("--tag", help="art tag module[:instance[:process]] of the digits")
    p.add_argument("--detector", default=DEFAULT, help="detector that the channels belong to, by name (default %(default)s)")
    p.add_argument("--output", required=True, help="text file to write")
    return p


def run(source: str, tag: str | None, detector: str, output: str) -> None:
    """Read every event of the source and write the inspection."""
    report = inspect(source, find_detector(detector), tag, every_event=True)
    if report.problems:
        more = f" (and {len(report.problems) - 1} more)" if len(report.problems) > 1 else ""
        raise ProtoduneError(report.problems[0] + more)
    write_text(output, report.text())
    log.info("%s: %s", source, "; ".join(line.strip() for line in report.lines[-5:]))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("check", lambda: run(a.source, a.tag, a.detector, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
