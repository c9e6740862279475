"""The page of the simulation's acceptance checks."""

from __future__ import annotations

import base64
import html

_STYLE = """body{font-family:sans-serif;max-width:60em;margin:2em auto}table{border-collapse:collapse}
td,th{padding:.15em .8em;text-align:right;border-bottom:1px solid #ccc}td:nth-child(2),th:nth-child(2){text-align:left}
.failed{background:#f6c7c0}img{width:100%}"""
_HEADS = {"number": "check", "name": "what", "found": "found", "low": "from", "high": "to", "unit": "unit"}


def simulation_page(checks: list[dict[str, str]], picture: bytes) -> str:
    """Return the page: how many checks passed, the plots, the table."""
    passed = sum(c["passed"] == "1" for c in checks)
    lines = []
    for check in checks:
        cells = "".join(f"<td>{html.escape(check[k])}</td>" for k in _HEADS)
        lines.append(f"<tr{'' if check['passed'] == '1' else ' class=failed'}>{cells}</tr>")
    text = f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Simulation: acceptance checks</title><style>{_STYLE}</style>
<h1>Acceptance checks of the simulation</h1>
<p>{passed} of {len(checks)} numbers are as expected. Symbols: the simulation; full lines: what is expected, for the peaks
the full Garfield calculation. docs/physics.md says what each check is.</p>
<img alt="plots of the checks" src="data:image/png;base64,{base64.b64encode(picture).decode()}">
<table><tr>{"".join(f"<th>{h}</th>" for h in _HEADS.values())}</tr>
"""
    return text + "\n".join(lines) + "\n</table></html>\n"
