"""Show the table of all checked sources, and fail if one has a problem."""

from __future__ import annotations

import argparse
from pathlib import Path

from protodune.core.errors import ProtoduneError
from protodune.core.files import require_file
from protodune.core.tables import read_table
from protodune.stages.command import run_stage, stage_parser

SHOWN = 5


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("check", __doc__)
    p.add_argument("--table", required=True, help="table of the stage 'gather_checks', .tsv, with .md beside it")
    return p


def run(table: str) -> None:
    """Print the table; raise a ProtoduneError that tells the problems of the first samples that have some."""
    text = require_file(Path(table).with_suffix(".md"), "the table of all sources", "run `snakemake check`")
    print(text.read_text(encoding="utf-8"), flush=True)
    rows = read_table(table)
    bad = [row for row in rows if int(row["problems"])]
    if bad:
        told = "; ".join(f"{row['sample']}: {row['in_words']}" for row in bad[:SHOWN])
        more = f"; and {len(bad) - SHOWN} samples more" if len(bad) > SHOWN else ""
        raise ProtoduneError(
            f"{len(bad)} of {len(rows)} samples have problems: {told}{more}; mend the files or their rows of the sample "
            f"sheet (convert.on_damaged_event: skip leaves damaged events out); the whole table is {table}"
        )


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("check", lambda: run(a.table))


if __name__ == "__main__":
    raise SystemExit(main())
