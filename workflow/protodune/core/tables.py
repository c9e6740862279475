"""Tab-separated tables, read and written in one way."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from protodune.core.errors import ProtoduneError
from protodune.core.files import read_text, write_text


def write_table(path: str | Path, rows: list[dict], columns: list[str]) -> None:
    """Write rows as TSV with a header; numbers with six significant digits."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([f"{row[c]:.6g}" if isinstance(row[c], float) else row[c] for c in columns])
    write_text(path, out.getvalue())


def read_table(path: str | Path) -> list[dict[str, str]]:
    """Read a TSV file into one dict per row, all values text."""
    return read_columns_and_rows(path)[1]


def read_columns_and_rows(path: str | Path) -> tuple[list[str], list[dict[str, str]]]:
    """Read a TSV file; return the names of its columns, and one dict per row, all values text."""
    text = read_text(path, "a TSV table", "run the stage that makes it")
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t")
    try:
        rows = list(reader)
    except csv.Error as error:
        raise ProtoduneError(
            f"{path}: line {reader.line_num}: {error}, expected a TSV table; run the stage that makes it"
        ) from None
    return list(reader.fieldnames or []), rows
