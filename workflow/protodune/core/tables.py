"""Tab-separated tables, read and written in one way."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from protodune.core.files import require_file, write_text


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
    require_file(path, "a TSV table", "run the stage that makes it")
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))
