"""The table of all checked sources for people, on the screen and in a file."""

from __future__ import annotations

from collections.abc import Sequence

from protodune.publish.typeset import NOTHING, Block, markdown

COLUMNS = ("sample", "source", "events", "ticks", "channels", "truth", "problems", "in_words")
"""Columns of the table: ``problems`` is their number, ``in_words`` the first of them."""
_SHOWN = COLUMNS[:-1]


def checks_text(rows: Sequence[dict[str, str]]) -> str:
    """Return the rows of the stage 'check' as Markdown with cells of one width, the problems in words below it."""
    if not rows:
        return "No sample is read from a file: there is nothing to check.\n"
    lines = [[row[name] or NOTHING for name in _SHOWN] for row in rows]
    for line in lines:
        line[-1] = line[-1] if int(line[-1]) else "none"
    widths = [max(len(cells[i]) for cells in (_SHOWN, *lines)) for i in range(len(_SHOWN))]
    heads, *lines = [[c.ljust(width) for c, width in zip(cells, widths, strict=True)] for cells in (_SHOWN, *lines)]
    bad = [row for row in rows if int(row["problems"])]
    heading = f"{len(rows)} sample{'' if len(rows) == 1 else 's'} read from files, {len(bad) or 'none'} with problems"
    words = "".join(f"* {row['sample']}: {row['in_words']}\n" for row in bad)
    return markdown([Block(heading, heads, lines)]) + (f"\n{words}" if words else "")
