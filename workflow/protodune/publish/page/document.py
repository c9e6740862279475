"""The page as one HTML file: nothing is loaded from anywhere."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

from bokeh.embed import components, json_item
from bokeh.models import UIElement
from bokeh.resources import Resources

_RANDOM_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BROWSER = Path(__file__).with_name("browser.js")
_STYLE = """
body{font-family:sans-serif;margin:0 auto;max-width:1180px;padding:0 1em 4em;color:#222}
h1{font-size:1.5em;margin-bottom:.2em}h2{margin-top:2em;border-bottom:1px solid #ccc}
nav a{margin-right:1em}pre{background:#f6f6f6;padding:1em;overflow:auto;max-height:30em;font-size:12px}
details{margin:.6em 0}figure{margin:1.5em 0}figure img{max-width:100%}
figcaption{font-size:.9em;color:#444}
"""


def page(
    browser: UIElement,
    tables: dict[str, UIElement],
    planes: dict,
    encoded: dict[str, str],
    pictures: list[tuple[str, str]],
    graph: str,
    about: dict,
) -> str:
    """Return the page.

    ``tables``: sortable tables by title; ``planes`` and ``encoded``: of ``gather_planes``; ``pictures``: (base64 of a PNG,
    caption); ``graph``: SVG; ``about``: title, lines of provenance, settings (a dict, shown as JSON).
    """
    resources = Resources(mode="inline", components=["bokeh", "bokeh-widgets", "bokeh-tables"])
    script, div = _with_stable_ids(*components(browser, wrap_script=True))
    note = f"{planes['left_out']} more image(s) would not fit." if planes["left_out"] else ""
    # browser.js puts the tables in when the first event is drawn, which they would hold up.
    headed = "\n".join(
        f'<h3>{html.escape(title)}</h3><div id="table{i}"></div>'
        f'<script type="application/json" class="table">{_table(table, i)}</script>'
        for i, (title, table) in enumerate(tables.items())
    )
    figures = "\n".join(
        f'<figure><img loading="lazy" alt="{html.escape(text)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{html.escape(text)}</figcaption></figure>"
        for data, text in pictures
    )
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in about["lines"])
    settings = html.escape(json.dumps(about["settings"], indent=1, sort_keys=True))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{html.escape(about["title"])}</title>
<link rel="icon" href="data:,"><style>{_STYLE}</style>
{resources.render_js()}
</head><body>
<h1>{html.escape(about["title"])}</h1>
<nav><a href="#events">events</a><a href="#tables">tables</a><a href="#figures">figures</a><a href="#workflow">workflow</a>
<a href="#provenance">provenance</a></nav>
<h2 id="events">Events</h2>
<p>Wheel: zoom; drag: pan; the panels move together. Where a pixel stands for many values it shows the
one of largest size.  The waveform below is that of the channel at the cursor. {note}</p>
{div}
<h2 id="tables">Tables</h2><p>A click on a head sorts.</p>
{headed}
<h2 id="figures">Figures</h2>
{figures or "<p>This run made no figures.</p>"}
<h2 id="workflow">Workflow</h2>
{graph}
<h2 id="provenance">Provenance</h2>
<ul>{lines}</ul>
<details><summary>Settings</summary><pre>{settings}</pre></details>
<script type="application/json" id="planes">{_embedded(planes)}</script>
{"".join(f'<script type="text/plain" id="{html.escape(key)}">{data}</script>' for key, data in encoded.items())}
<script>{BROWSER.read_text(encoding="utf-8")}</script>
{script}
</body></html>
"""


def _with_stable_ids(*texts: str) -> list[str]:
    """Number bokeh's random ids, so that the same content gives the same page."""
    ids: dict[str, str] = {}

    def numbered(found: re.Match) -> str:
        return ids.setdefault(found[0], f"protodune-{len(ids)}")

    return [_RANDOM_ID.sub(numbered, text) for text in texts]


def _table(table: UIElement, number: int) -> str:
    [text] = _with_stable_ids(_embedded(json_item(table, f"table{number}")))
    return text.replace("protodune-", f"table{number}-")


def _embedded(content: dict) -> str:
    """JSON that cannot end the script element that holds it."""
    return json.dumps(content, separators=(",", ":"), sort_keys=True).replace("</", "<\\/")
