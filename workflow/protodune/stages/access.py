"""Options of the stages that read raw files: how the bytes come here."""

from __future__ import annotations

import argparse

from protodune.rawio.remote import AS_IS, Access
from protodune.stages.command import number


def add_access_options(p: argparse.ArgumentParser, scratch: bool = True, adler32: bool = True) -> None:
    """Add the options of ``Access``; without ``scratch`` or ``adler32`` where the stage has its own of that."""
    p.add_argument(
        "--stage-in", action="store_true", help="copy each source whole to --scratch first, and check size and adler32"
    )
    if scratch:
        p.add_argument("--scratch", metavar="DIR", help="folder for that copy (default: $TMPDIR)")
    if adler32:
        p.add_argument("--adler32", metavar="HEX", help="checksum that the source must have")
    p.add_argument(
        "--tries",
        type=int,
        default=AS_IS.tries,
        help="how often an address is asked before it counts as lost (default: %(default)s)",
    )
    p.add_argument(
        "--timeout",
        type=number,
        default=AS_IS.timeout_s,
        help="seconds after which a request without an answer has failed (default: %(default)s)",
    )


def access_of(a: argparse.Namespace) -> Access:
    """Return what these options say."""
    return Access(
        tries=a.tries, timeout_s=a.timeout, stage_in=a.stage_in, scratch=a.scratch, adler32=getattr(a, "adler32", None)
    )
