"""Draw the acceptance checks of the simulation and write the page that shows them."""

from __future__ import annotations

import argparse
import base64
import html
from pathlib import Path

from protodune.publish.figures.acceptance import draw_acceptance
from protodune.publish.figures.style import save_figure
from protodune.core.files import write_text
from protodune.stages.command import run_stage, stage_parser
from protodune.core.tables import read_table

_STYLE = """body{font-family:sans-serif;max-width:60em;margin:2em auto}table{border-collapse:collapse}
td,th{padding:.15em .8em;text-align:right;border-bottom:1px solid #ccc}td:nth-child(2),th:nth-child(2){text-align:left}
.failed{background:#f6c7c0}img{width:100%}"""


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("draw_acceptance", __doc__)
    p.add_argument("--checks", required=True, help="TSV of the stage 'accept'")
    p.add_argument("--points", required=True, help="TSV of the stage 'accept'")
    p.add_argument("--figure", required=True, help="PNG to write; SVG beside it")
    p.add_argument("--page", required=True, help="HTML page to write, picture included")
    return p


def page(checks: list[dict[str, str]], picture: bytes) -> str:
    """Return the page: how many checks passed, the plots, the table."""
    passed = sum(c["passed"] == "1" for c in checks)
    heads = ["check", "what", "found", "from", "to", "unit"]
    lines = []
    for check in checks:
        cells = "".join(f"<td>{html.escape(check[k])}</td>" for k in ("number", "name", "found", "low", "high", "unit"))
        lines.append(f"<tr{'' if check['passed'] == '1' else ' class=failed'}>{cells}</tr>")
    text = f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Simulation: acceptance checks</title><style>{_STYLE}</style>
<h1>Acceptance checks of the simulation</h1>
<p>{passed} of {len(checks)} numbers are as expected. Symbols: the simulation; full lines: what is expected, for the peaks
the full Garfield calculation. docs/physics.md says what each check is.</p>
<img alt="plots of the checks" src="data:image/png;base64,{base64.b64encode(picture).decode()}">
<table><tr>{"".join(f"<th>{h}</th>" for h in heads)}</tr>
"""
    return text + "\n".join(lines) + "\n</table></html>\n"


def run(checks: str, points: str, figure: str, output: str) -> None:
    """Draw the figure and write the page."""
    save_figure(draw_acceptance(read_table(points)), figure)
    write_text(output, page(read_table(checks), Path(figure).read_bytes()))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("draw_acceptance", lambda: run(a.checks, a.points, a.figure, a.page))


if __name__ == "__main__":
    raise SystemExit(main())
