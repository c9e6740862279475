"""Clean files of raw digits on one machine: each becomes a ROOT file with waveforms, charge and regions, and a row of
OUTPUT/summary.tsv."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from protodune.campaign.batch import EARLIER, SUMMARY, Running, clean_files
from protodune.campaign.chain import CleanSettings
from protodune.campaign.methods import UNET, load_methods, name_of
from protodune.campaign.records import DONE, FAILED
from protodune.core.errors import ProtoduneError
from protodune.core.file_lists import read_checksums, read_list
from protodune.detector.registry import DEFAULT
from protodune.learning.choice import AUTO, PRECISIONS, RUNTIMES
from protodune.rawio.remote import check_adler32
from protodune.stages.access import access_of, add_access_options
from protodune.stages.command import number, run_stage, stage_parser

log = logging.getLogger(__name__)


def add_arguments(p: argparse.ArgumentParser) -> None:
    """Add the options of the stage to a parser."""
    p.add_argument("file", nargs="*", help="files of raw digits: ROOT (LArSoft, flat), or addresses (root://)")
    p.add_argument(
        "--list",
        metavar="FILE",
        help="text file: more files, one per line, behind a tab an adler32 if wanted, # begins a comment",
    )
    p.add_argument("--output", required=True, metavar="DIR", help="folder for the ROOT files and summary.tsv")
    p.add_argument(
        "--weights",
        default=UNET,
        help="weights of a network for the task denoise, {family} is filled in (default: the shipped U-Net)",
    )
    p.add_argument("--detector", default=DEFAULT, help="detector that the files are of, by name (default: %(default)s)")
    p.add_argument("--tag", help="art tag module[:instance[:process]] of the digits")
    p.add_argument("--bad-channels", help="text file: offline channels, one per line, # begins a comment")
    p.add_argument(
        "--noisy-above",
        type=number,
        default=3.0,
        help="channels with more noise than this many times the median of their plane count as bad (default: %(default)s)",
    )
    p.add_argument("--runtime", default=AUTO, help=f"what computes it: {', '.join(RUNTIMES)} (default: %(default)s)")
    p.add_argument("--precision", default=AUTO, help=f"of the network: {', '.join(PRECISIONS)} (default: %(default)s)")
    p.add_argument("--threads", type=int, default=1, help="threads of the network and of unpacking (default: %(default)s)")
    p.add_argument(
        "--scratch", metavar="DIR", help="folder for what is needed in between (default: OUTPUT; of --stage-in: $TMPDIR)"
    )
    add_access_options(p, scratch=False, adler32=False)


def run(a: argparse.Namespace) -> None:
    """Clean the files; a ProtoduneError if any of them failed."""
    listed, checksums = (read_list(a.list), read_checksums(a.list)) if a.list else ([], {})
    sources = [*a.file, *listed]
    if not sources:
        raise ProtoduneError("found no file, expected one or more; name them, or give --list")
    methods = load_methods(a.weights, a.runtime, a.precision, a.threads)
    cleaning = CleanSettings(
        detector=a.detector, tag=a.tag, noisy_above=a.noisy_above, bad_channels=a.bad_channels, scratch=a.scratch,
        access=access_of(a), adler32={name: check_adler32(value, f"{a.list}: {name}") for name, value in checksums.items()},
    )  # fmt: skip
    running = Running(a.threads, summary=Path(a.output) / SUMMARY)
    rows = clean_files(sources, a.output, methods, cleaning, name_of(a.weights), running)
    count = {status: sum(row["status"] == status for row in rows) for status in (DONE, EARLIER, FAILED)}
    log.info("%s", ", ".join(f"{n} {status}" for status, n in count.items() if n))
    if count[FAILED]:
        causes = [row["cause"] for row in rows if row["status"] == FAILED]
        raise ProtoduneError(
            f"{count[FAILED]} of {len(rows)} files failed: {'; '.join(causes[:3])}{'; ...' if len(causes) > 3 else ''}; "
            f"{Path(a.output) / SUMMARY} has all of them; mend or leave them out, and give the same command again"
        )


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("clean", __doc__)
    add_arguments(p)
    return p


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns 1 if a file failed."""
    a = parser().parse_args(argv)
    return run_stage("clean", lambda: run(a))


if __name__ == "__main__":
    raise SystemExit(main())
