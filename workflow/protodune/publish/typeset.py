"""Tables for people: the same blocks as Markdown, LaTeX and HTML."""

from __future__ import annotations

import html as html_text
import math
from pathlib import Path
from typing import NamedTuple

from protodune.core.files import write_text


class Block(NamedTuple):
    """One table: its heading, the heads of its columns, lines of cells."""

    heading: str
    heads: list[str]
    lines: list[list[str]]


NOTHING = "–"
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "²": "$^2$", "–": "--", "−": "$-$",
    "≥": r"$\geq$", "µ": r"\textmu{}", "θ": r"$\theta$", "|": "$|$", "<": "$<$", ">": "$>$", "×": r"$\times$",
}  # fmt: skip


def cell(value: float, error: float = math.nan) -> str:
    """Return a value with its error, four and two digits; a dash for NaN, no error for a single event."""
    if not math.isfinite(value):
        return NOTHING
    return f"{value:.4g}" + (f" ± {error:.2g}" if math.isfinite(error) else "")


def markdown(blocks: list[Block]) -> str:
    """Write the blocks as Markdown."""
    text = []
    for heading, heads, lines in blocks:
        rows = ["| " + " | ".join(c.replace("|", r"\|") for c in line) + " |" for line in [heads, *lines]]
        text += [f"### {heading}", "", rows[0], "|---|" + "---:|" * (len(heads) - 1), *rows[1:], ""]
    return "\n".join(text)


def latex_text(text: str) -> str:
    """Escape what LaTeX would take for commands, and say the signs that plain fonts lack."""
    return "".join(_LATEX.get(c, c) for c in text)


def latex(blocks: list[Block]) -> str:
    """Write the blocks as LaTeX tables for the package booktabs."""
    text = []
    for heading, heads, lines in blocks:
        rows = [" & ".join(map(latex_text, line)) + r" \\" for line in [heads, *lines]]
        text += [r"\begin{table}", r"\centering", rf"\caption{{{latex_text(heading)}}}"]
        text += [rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}", r"\toprule", rows[0], r"\midrule", *rows[1:]]
        text += [r"\bottomrule", r"\end{tabular}", r"\end{table}", ""]
    return "\n".join(text)


def html(blocks: list[Block], title: str) -> str:
    """Write the blocks as a small HTML page for the report."""
    text = [f"<!doctype html><meta charset='utf-8'><title>{html_text.escape(title)}</title>"]
    text.append("<style>body{font-family:sans-serif}td,th{padding:.2em .8em;text-align:right}")
    text.append("td:first-child{text-align:left}table{border-collapse:collapse}tr{border-bottom:1px solid #ccc}</style>")
    for heading, heads, lines in blocks:
        text.append(f"<h3>{html_text.escape(heading)}</h3><table><tr>")
        text.append("".join(f"<th>{html_text.escape(h)}</th>" for h in heads) + "</tr>")
        text += ["<tr>" + "".join(f"<td>{html_text.escape(c)}</td>" for c in line) + "</tr>" for line in lines]
        text.append("</table>")
    return "\n".join(text) + "\n"


def write_beside(tsv: str | Path, blocks: list[Block], title: str) -> None:
    """Write the blocks beside a TSV, as .md, .tex and .html."""
    path = Path(tsv)
    for suffix, text in ((".md", markdown(blocks)), (".tex", latex(blocks)), (".html", html(blocks, title))):
        write_text(path.with_suffix(suffix), text)
