"""Clean a batch of a campaign's files in one process, as `protodune clean` does; what fails is recorded."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from protodune.campaign.batch import COLUMNS, EARLIER, Running, clean_files
from protodune.campaign.chain import CleanSettings
from protodune.campaign.lock import alone
from protodune.campaign.records import DONE, FAILED, PASSING
from protodune.core.errors import ProtoduneError
from protodune.core.files import require_file
from protodune.core.settings import build, parse_settings
from protodune.core.tables import write_table
from protodune.learning.method import NetworkSettings, load_method
from protodune.measure.showcase import Shown, display_windows
from protodune.publish.figures.spec import find_figure
from protodune.stages.access import access_of, add_access_options
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchSettings:
    """``name`` of the method; ``networks``: by family the settings of its network (``NetworkSettings``); ``clean``."""

    name: str
    networks: dict
    clean: CleanSettings


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("clean_batch", __doc__)
    p.add_argument("--settings", required=True, help="JSON of BatchSettings")
    p.add_argument("--weights", required=True, nargs="+", metavar="FAMILY=FILE", help="weights of each family of planes")
    p.add_argument("--files", required=True, nargs="+", help="files of raw digits, or addresses")
    p.add_argument("--sample", required=True)
    p.add_argument("--draw", type=int, default=0, help="draw so many of the files (default: %(default)s)")
    p.add_argument("--campaign", required=True, metavar="DIR", help="folder of the campaign")
    p.add_argument("--output", required=True, help="TSV to write: a row per file")
    p.add_argument("--code", default="", help="digest of the code, whose change makes files anew")
    p.add_argument("--attempt", type=int, default=1, help="attempt of this job")
    p.add_argument("--attempts", type=int, default=1, help="attempts that this job has; in the last, all failures stand")
    p.add_argument("--scratch", metavar="DIR", default="", help="folder for what is needed in between; $TMPDIR is filled in")
    p.add_argument("--threads", type=int, default=1)
    add_access_options(p, scratch=False, adler32=False)
    return p


def run(a: argparse.Namespace) -> None:
    """Clean the files; a ProtoduneError if some failed for a reason that may pass, and there is another attempt."""
    settings = parse_settings(BatchSettings, a.settings)
    folder, output = Path(a.campaign), Path(a.output)
    a.scratch = os.path.expandvars(a.scratch) or None
    clean = replace(settings.clean, code=a.code, scratch=a.scratch, access=access_of(a))
    if clean.keep:
        clean = replace(clean, keep=str(Path(clean.keep) / a.sample))
    with alone(folder / "locks" / output.stem):
        methods = {}
        for family, path in (pair.split("=", 1) for pair in a.weights):
            weights = require_file(path, f"weights for {family} planes", "mend models.NAME.weights")
            network = build(NetworkSettings, settings.networks[family], f"settings.networks.{family}")
            methods[family] = load_method(network, family, str(weights), a.threads)
        pictures = Pictures(a.sample, settings.name, folder / "pictures" / a.sample)
        running = Running(a.threads, again=False, look=pictures.draw, looked_at=a.draw)
        rows = clean_files(a.files, folder / "files" / a.sample, methods, clean, settings.name, running)
    count = {status: sum(row["status"] == status for row in rows) for status in (DONE, EARLIER, FAILED)}
    log.info("%s", ", ".join(f"{n} {status}" for status, n in count.items() if n))
    passing = [row["cause"] for row in rows if row["status"] == FAILED and row["kind"] == PASSING]
    if passing and a.attempt < a.attempts:
        raise ProtoduneError(
            f"{len(passing)} of {len(rows)} files failed for a reason that may pass: {passing[0]}; attempt {a.attempt} of "
            f"{a.attempts}, the next one tries them again"
        )
    write_table(output, [{"sample": a.sample, **row} for row in rows], ["sample", *COLUMNS, "kind"])


@dataclass(frozen=True)
class Pictures:
    """Draws files of a ``sample``, cleaned by the method ``name``, into a folder."""

    sample: str
    name: str
    folder: Path

    def draw(self, file: str, events: str, products: Mapping[str, str]) -> None:
        """Draw the busiest part of a plane of each family of the first image, raw and cleaned."""
        from protodune.publish.figures.style import save_figure  # most batches draw nothing

        for family, path in products.items():
            try:
                with Shown(events, family, {self.name: path}) as shown:
                    windows = display_windows(shown, self.name)
                    drawn = find_figure("display").draw(windows, shown.plane, shown.title(f"{self.sample}, {file}"))
                save_figure(drawn, self.folder / f"{file}.{family}.png")
            except ProtoduneError as error:
                log.warning("%s: not drawn: %s", file, error)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("clean_batch", lambda: run(a))


if __name__ == "__main__":
    raise SystemExit(main())
