"""Tab-separated tables, read and written in one way."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from protodune.core.errors import ProtoduneError, suggest
from protodune.core.files import read_text, write_text


class Row(dict):
    """A row of a table that was read, text by column; a column that the table does not have is a ProtoduneError."""

    __slots__ = ("path",)

    def __init__(self, path: str | Path, cells: dict[str, str]):
        super().__init__(cells)
        self.path = path

    def __or__(self, cells: dict) -> Row:
        """Return the row with further cells."""
        return Row(self.path, {**self, **cells})

    def __missing__(self, column: str) -> str:
        raise ProtoduneError(
            f"{self.path}: has no column '{column}'{suggest(column, list(self))}, expected a table with it; found "
            f"{', '.join(self)}; give the table of the right stage"
        )


def write_table(path: str | Path, rows: list[dict], columns: list[str]) -> None:
    """Write rows as TSV with a header; numbers with six significant digits."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([f"{row[c]:.6g}" if isinstance(row[c], float) else row[c] for c in columns])
    write_text(path, out.getvalue())


def read_table(path: str | Path) -> list[Row]:
    """Read a TSV file into one row per line, all values text."""
    return read_columns_and_rows(path)[1]


def read_columns_and_rows(path: str | Path) -> tuple[list[str], list[Row]]:
    """Read a TSV file; return the names of its columns, and one row per line, all values text."""
    again = "run the stage that makes it again"
    reader = csv.reader(io.StringIO(read_text(path, "a TSV table", again), newline=""), delimiter="\t")
    try:
        lines = [cells for cells in reader if cells]
    except csv.Error as error:
        raise ProtoduneError(f"{path}: line {reader.line_num}: {error}, expected a TSV table; {again}") from None
    if not lines:
        raise ProtoduneError(f"{path}: found an empty file, expected a TSV table; {again}")
    columns, *rows = lines
    if len(set(columns)) < len(columns):
        twice = next(name for name in columns if columns.count(name) > 1)
        raise ProtoduneError(f"{path}: column '{twice}' stands twice, expected each once; {again}")
    for number, cells in enumerate(rows, start=1):
        if len(cells) != len(columns):
            raise ProtoduneError(
                f"{path}: row {number} has {len(cells)} cells, expected {len(columns)} as its head; {again}"
            )
    return columns, [Row(path, dict(zip(columns, cells, strict=True))) for cells in rows]
