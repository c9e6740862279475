"""All figures and tables of the paper in one document, as Markdown and as LaTeX, with captions and provenance."""

from __future__ import annotations

from pathlib import Path

from protodune.core.errors import ProtoduneError
from protodune.core.files import require_file, write_text
from protodune.core.provenance import versions
from protodune.publish.captions import Item, caption
from protodune.publish.typeset import latex_text

_TEX_HEAD = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{textcomp,booktabs,graphicx,float}
\usepackage[margin=20mm]{geometry}
\begin{document}
"""
_SHRUNK = r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{\begin{tabular}"
"""Begins a table that is made as narrow as the text if it is wider; packages beyond LaTeX's base would do no better."""


def provenance_lines(about: dict, *packages: str) -> list[str]:
    """Return what made the numbers, one line each; ``about``: samples and networks {name: text} and seed."""
    found = ", ".join(f"{name} {number}" for name, number in versions(*packages).items())
    lines = [f"Versions: {found}.", f"Seed of the run: {about['seed']}."]
    lines += [f"Sample {name}: {text}." for name, text in about["samples"].items()]
    return lines + [f"Network {name}: {text}." for name, text in about["networks"].items()]


def _lines(about: dict) -> list[str]:
    return provenance_lines(about, "numpy", "scipy", "torch", "matplotlib")


def markdown_paper(items: list[Item], about: dict, results: Path, folder: Path) -> str:
    """Return the document as Markdown; figures as links, tables as they are."""
    up = "../" * len(folder.relative_to(results).parts)
    text = ["# Figures and tables", "", "Made by `snakemake paper`; every figure has its numbers beside it as TSV.", ""]
    for number, item in enumerate(items, start=1):
        words = caption(item, about["samples"])
        if item.is_table:
            table = Path(f"{results / item.path}.md").read_text(encoding="utf-8")
            text += [f"## Table {number}: {item.kind}", "", words, "", table, ""]
        else:
            text += [f"## Figure {number}: {item.kind}", "", f"![{item.kind}]({up}{item.path}.png)", "", words]
            text += ["", f"[numbers]({up}{item.path}.tsv), [SVG]({up}{item.path}.svg)", ""]
    return "\n".join([*text, "## Provenance", "", *(f"* {line}" for line in _lines(about)), ""])


def latex_paper(items: list[Item], about: dict, results: Path, folder: Path) -> str:
    """Return the document as LaTeX, to be compiled in its folder."""
    up = "../" * len(folder.relative_to(results).parts)
    text = [_TEX_HEAD]
    for item in items:
        words = latex_text(caption(item, about["samples"]))
        if item.is_table:
            table = Path(f"{results / item.path}.tex").read_text(encoding="utf-8")
            for plain, fitting in (
                (r"\begin{table}", r"\begin{table}[H]"),
                (r"\begin{tabular}", _SHRUNK),
                (r"\end{tabular}", r"\end{tabular}}"),
            ):
                table = table.replace(plain, fitting)
            text += [rf"\section*{{{latex_text(item.kind).capitalize()}}}", words, table]
        else:
            picture = rf"\includegraphics[width=\textwidth,height=0.8\textheight,keepaspectratio]{{{up}{item.path}.png}}"
            text += [r"\begin{figure}[H]", r"\centering", picture, rf"\caption{{{words}}}", r"\end{figure}"]
    lines = "".join(rf"\item {latex_text(line)}" + "\n" for line in _lines(about))
    return "\n".join([*text, rf"\begin{{itemize}}{lines}\end{{itemize}}", r"\end{document}", ""])


def write_paper(items: list[Item], about: dict, results: str, output: str) -> None:
    """Write the Markdown to ``output`` and the LaTeX beside it; every figure and table must be there."""
    if not items:
        raise ProtoduneError(
            "the paper has no figure and no table, expected at least one; add test samples and trials to the configuration"
        )
    base, target = Path(results).resolve(), Path(output).resolve()
    for item in items:
        for suffix in (".md", ".tex") if item.is_table else (".png", ".svg"):
            require_file(f"{base / item.path}{suffix}", "a figure or table", "run `snakemake paper`")
    write_text(target, markdown_paper(items, about, base, target.parent))
    write_text(target.with_suffix(".tex"), latex_paper(items, about, base, target.parent))
