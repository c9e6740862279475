"""Convert a file of raw digits to an event store, one event at a time."""

from __future__ import annotations

import argparse

from protodune.classical.pedestal import estimate_pedestal
from protodune.core.memory import keep_freed_memory
from protodune.core.settings import parse_settings
from protodune.rawio.conversion import ConvertSettings, convert_file
from protodune.rawio.remote import AS_IS, Access
from protodune.stages.access import access_of, add_access_options
from protodune.stages.command import run_stage, stage_parser


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("convert", __doc__)
    p.add_argument("--settings", required=True, help="JSON of ConvertSettings")
    p.add_argument("--source", required=True, help="file with the digits, or its address")
    p.add_argument("--partner", help="file with the same events, noise off")
    p.add_argument("--bad-channels", help="text file: offline channels, one per line, # begins a comment")
    p.add_argument("--output", required=True, help="HDF5 event store to write")
    p.add_argument("--threads", type=int, default=1, help="threads that unpack baskets")
    add_access_options(p)
    return p


def run(
    settings: ConvertSettings,
    source: str,
    partner: str | None,
    output: str,
    bad_channels: str | None = None,
    threads: int = 1,
    access: Access = AS_IS,
) -> None:
    """Convert ``source`` (with the truth of ``partner``) into ``output``."""
    keep_freed_memory()
    convert_file(settings, source, partner, output, estimate_pedestal, bad_channels, threads, access)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    files = (a.source, a.partner, a.output, a.bad_channels)
    return run_stage("convert", lambda: run(parse_settings(ConvertSettings, a.settings), *files, a.threads, access_of(a)))


if __name__ == "__main__":
    raise SystemExit(main())
