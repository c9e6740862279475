"""Clean files of raw digits on one machine: each becomes a ROOT file with waveforms, charge and regions, and a row of
OUTPUT/summary.tsv."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from protodune.campaign.batch import DONE, EARLIER, FAILED, SUMMARY, CleanSettings, clean_files
from protodune.campaign.methods import UNET, load_methods, name_of
from protodune.core.errors import ProtoduneError
from protodune.core.files import read_text
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
    listed = read_list(a.list) if a.list else []
    sources = [*a.file, *(name for name, _ in listed)]
    if not sources:
        raise ProtoduneError("found no file, expected one or more; name them, or give --list")
    methods = load_methods(a.weights, a.runtime, a.precision, a.threads)
    cleaning = CleanSettings(
        detector=a.detector, tag=a.tag, noisy_above=a.noisy_above, bad_channels=a.bad_channels, scratch=a.scratch,
        access=access_of(a), adler32={name: adler32 for name, adler32 in listed if adler32},
    )  # fmt: skip
    rows = clean_files(sources, a.output, methods, cleaning, name_of(a.weights), a.threads)
    count = {status: sum(row["status"] == status for row in rows) for status in (DONE, EARLIER, FAILED)}
    log.info("%s", ", ".join(f"{n} {status}" for status, n in count.items() if n))
    if count[FAILED]:
        causes = [row["cause"] for row in rows if row["status"] == FAILED]
        raise ProtoduneError(
            f"{count[FAILED]} of {len(rows)} files failed: {'; '.join(causes[:3])}{'; ...' if len(causes) > 3 else ''}; "
            f"{Path(a.output) / SUMMARY} has all of them; mend or leave them out, and give the same command again"
        )


def read_list(path: str) -> Sequence[tuple[str, str]]:
    """Return the files that a text file lists, each with the adler32 that stands behind a tab, or an empty text."""
    found = []
    for line_number, line in enumerate(read_text(path, "a list of files", "give another --list").splitlines(), start=1):
        name, _, adler32 = (part.strip() for part in line.split("#")[0].strip().partition("\t"))
        if name:
            found.append((name, check_adler32(adler32, f"{path}: line {line_number}") if adler32 else ""))
    return found


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
