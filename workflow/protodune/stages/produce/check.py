"""Inspect the files of a sample before hours are spent on them; what is wrong is written down and ends nothing."""

from __future__ import annotations

import argparse
import logging

from protodune.core.files import write_text
from protodune.core.tables import write_table
from protodune.detector.registry import DEFAULT, find_detector
from protodune.rawio.inspection import check_source
from protodune.rawio.remote import AS_IS, Access
from protodune.stages.access import access_of, add_access_options
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("check", __doc__)
    p.add_argument("--sample", required=True)
    p.add_argument("--source", required=True, help="file with the digits, or its address")
    p.add_argument("--partner", help="file of the same events with noise off")
    p.add_argument("--bad-channels", help="text file of offline channels to leave out")
    p.add_argument("--tag", help="art tag module[:instance[:process]] of the digits")
    p.add_argument("--detector", default=DEFAULT, help="detector that the channels belong to, by name (default %(default)s)")
    p.add_argument("--output", required=True, help="text file to write: the whole inspection")
    p.add_argument("--row", required=True, help="TSV to write: a row of the table of all sources")
    add_access_options(p)
    return p


def run(
    sample: str,
    source: str,
    output: str,
    row: str,
    tag: str | None = None,
    detector: str = DEFAULT,
    partner: str | None = None,
    bad_channels: str | None = None,
    access: Access = AS_IS,
) -> None:
    """Read every event of the files of a sample, and write what is in them and what is wrong."""
    text, found = check_source(sample, source, find_detector(detector), tag, partner, bad_channels, access)
    write_text(output, text)
    write_table(row, [found], list(found))
    log.info("%s: %d problem(s)%s", sample, found["problems"], f": {found['in_words']}" if found["problems"] else "")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    given = (a.sample, a.source, a.output, a.row, a.tag, a.detector, a.partner, a.bad_channels)
    return run_stage("check", lambda: run(*given, access_of(a)))


if __name__ == "__main__":
    raise SystemExit(main())
