"""Draw one figure from tables: PNG, SVG, and the rows that it shows as TSV."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from protodune.core.errors import ProtoduneError
from protodune.core.tables import write_table
from protodune.measure.rows import read_rows
from protodune.publish.figures.spec import FROM_IMAGES, distinct_methods, find_figure
from protodune.publish.figures.style import save_figure
from protodune.stages.command import run_stage, stage_parser


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("draw_figure", __doc__)
    p.add_argument("figure", help="name of the figure, or package.module of your own")
    p.add_argument("--tables", required=True, nargs="*", help="TSV files of the kind that the figure draws")
    p.add_argument("--names", nargs="*", default=[], help="the method of each table, where rows do not say it (histories)")
    p.add_argument("--of", default="", help="what the tables are about, for the title")
    p.add_argument("--methods", nargs="*", default=[], help="methods to which a figure that compares is limited, in order")
    p.add_argument("--networks", nargs="*", default=[], help="methods that are networks")
    p.add_argument("--output", required=True, help="PNG to write; SVG and TSV beside it")
    return p


def run(
    figure: str,
    tables: Sequence[str],
    output: str,
    names: Sequence[str] = (),
    of: str = "",
    methods: Sequence[str] = (),
    networks: Sequence[str] = (),
) -> None:
    """Draw one figure; tables without rows give panels that say so."""
    found = find_figure(figure)
    if found.table in FROM_IMAGES:
        raise ProtoduneError(f"figure '{figure}' shows images, expected one that is drawn from tables; use 'draw_event'")
    if names and len(names) != len(tables):
        raise ProtoduneError(f"{len(names)} names for {len(tables)} tables, expected one name for each table")
    columns, rows = _named(tables, names) if names else read_rows(tables)
    if methods and found.compares:
        rows = sorted((r for r in rows if r["method"] in methods), key=lambda r: list(methods).index(r["method"]))
    rows, chosen = distinct_methods(found.prepare(rows), networks)
    columns = list(dict.fromkeys([*columns, *(c for r in rows for c in r)]))
    write_table(Path(output).with_suffix(".tsv"), [{**dict.fromkeys(columns, ""), **r} for r in rows], columns)
    save_figure(found.draw(rows, chosen, f"{found.head}{', ' if of else ''}{of}"), output)


def _named(tables: Sequence[str], names: Sequence[str]) -> tuple[list[str], list[dict[str, str]]]:
    """Read tables and say of each row whose it is."""
    columns, rows = read_rows(tables)
    owners = [name for name, table in zip(names, tables, strict=True) for _ in read_rows([table])[1]]
    for row, name in zip(rows, owners, strict=True):
        row["method"] = name
    return ["method", *columns], rows


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("draw_figure", lambda: run(a.figure, a.tables, a.output, a.names, a.of, a.methods, a.networks))


if __name__ == "__main__":
    raise SystemExit(main())
