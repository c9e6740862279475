"""The state of a campaign for people: a table for the screen, and a small page."""

from __future__ import annotations

import html
from collections.abc import Sequence

from protodune.publish.typeset import NOTHING, Block, cell, markdown

RUN_HEADS = {
    "sample": "sample", "run": "run", "files": "files", "done": "done", "failed": "failed", "running": "running",
    "pending": "pending", "events": "events", "lost_events": "lost", "events_per_s": "events/s per job", "output_gb": "GB",
}  # fmt: skip
QUALITY_HEADS = {
    "sample": "sample", "run": "run", "plane": "plane", "events": "events", "noise_rms": "noise rms [ADC]",
    "bad_channels": "bad channels", "occupancy": "occupancy [%]", "regions_per_event": "regions per event",
}  # fmt: skip
MOST_FAILURES = 1000
SHOWN_FAILURES = 20
_COUNTED = ("files", "done", "failed", "running", "pending")
_STYLE = """body{font-family:sans-serif;max-width:75em;margin:2em auto}table{border-collapse:collapse}
td,th{padding:.15em .8em;text-align:right;border-bottom:1px solid #ccc}td:first-child,th:first-child,.w td{text-align:left}
.bar{display:flex;height:1.2em;background:#ddd}.done{background:#009e73}.failed{background:#d55e00}.running{background:#56b4e9}"""


def headline(runs: Sequence[dict], rate: float, when: str) -> str:
    """Return one sentence on how a campaign stands; ``rate``: events per second of all jobs together."""
    total = {name: sum(row[name] for row in runs) for name in (*_COUNTED, "events", "lost_events", "output_gb")}
    parts = [f"{total[name]} {name}" for name in _COUNTED[1:] if total[name]]
    lost = f", {total['lost_events']} left out" if total["lost_events"] else ""
    return (
        f"{when}: {total['files']} files: {', '.join(parts) or 'none'}; {total['events']} events{lost}, {rate:.3g} events/s "
        f"of all jobs together, {total['output_gb']:.3g} GB"
    )


def campaign_text(runs: Sequence[dict], failed: Sequence[dict], rate: float, when: str) -> str:
    """Return the state for the screen: the sums by sample and run, and why files failed, the first ones."""
    lines = [_cells(row, RUN_HEADS) for row in runs]
    widths = [max(map(len, column)) for column in zip(RUN_HEADS.values(), *lines, strict=True)]
    heads, *lines = [[c.ljust(w) for c, w in zip(cells, widths, strict=True)] for cells in ([*RUN_HEADS.values()], *lines)]
    text = markdown([Block(headline(runs, rate, when), heads, lines)])
    text += "".join(f"* failed: {row['sample']}: {row['cause']}\n" for row in failed[:SHOWN_FAILURES])
    more = len(failed) - SHOWN_FAILURES
    return text + (f"* and {more} more that failed: results/campaign/status.html\n" if more > 0 else "")


def campaign_page(
    runs: Sequence[dict], quality: Sequence[dict], failed: Sequence[dict], pictures: Sequence[str], rate: float, when: str
) -> str:
    """Return the page: how it stands, sums by sample and run, why files failed, what the data are like.

    ``pictures``: paths of drawn files relative to the page.
    """
    total = {name: sum(row[name] for row in runs) for name in _COUNTED}
    bar = "".join(
        f'<div class="{name}" style="width:{100 * total[name] / max(total["files"], 1):.3f}%"></div>'
        for name in ("done", "failed", "running")
    )
    parts = [
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Campaign</title>',
        f"<style>{_STYLE}</style><h1>Campaign</h1><p>{html.escape(headline(runs, rate, when))}</p>",
        f'<div class="bar">{bar}</div><h2>Samples and runs</h2>',
        _table(RUN_HEADS, [_cells(row, RUN_HEADS) for row in runs]),
        f"<h2>Failed</h2>{_failed(failed)}<h2>Data by run</h2>",
        _table(QUALITY_HEADS, [_cells(_percent(row), QUALITY_HEADS) for row in quality]),
    ]
    links = "".join(f'<li><a href="{html.escape(p, quote=True)}">{html.escape(p)}</a></li>' for p in pictures)
    return "\n".join([*parts, f"<h2>Pictures</h2><ul>{links}</ul>" if links else "", "</html>\n"])


def _failed(failed: Sequence[dict]) -> str:
    if not failed:
        return "<p>None.</p>"
    lines = [[row["sample"], row["cause"]] for row in failed[:MOST_FAILURES]]
    more = len(failed) - MOST_FAILURES
    last = f"<p>And {more} more: results/campaign/files.tsv.</p>" if more > 0 else ""
    return _table({"sample": "sample", "cause": "what was found and what to do"}, lines, "w") + last


def _percent(row: dict) -> dict:
    return {**row, "occupancy": row["occupancy"] if row["occupancy"] == "" else 100 * row["occupancy"]}


def _cells(row: dict, heads: dict[str, str]) -> list[str]:
    values = (row[name] for name in heads)
    return [NOTHING if v == "" else cell(v) if isinstance(v, float) else str(v) for v in values]


def _table(heads: dict[str, str], lines: Sequence[Sequence[str]], kind: str = "n") -> str:
    rows = [f"<tr>{''.join(f'<td>{html.escape(c)}</td>' for c in line)}</tr>" for line in lines]
    return f'<table class="{kind}"><tr>{"".join(f"<th>{h}</th>" for h in heads.values())}</tr>{"".join(rows)}</table>'
