"""Tables for people: the methods, the headline, the reproduction, the events that were left out."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from protodune.detector.registry import find_detector
from protodune.measure.reproduction import BY_CUT, SHARES
from protodune.measure.spec import Metric, metrics_of
from protodune.publish.typeset import NOTHING, Block, cell

_CHANNELS = {"all": "all channels", "drift": "drift-facing half"}


def _heading(row: dict, words: str, events: int, rows: Sequence[dict]) -> str:
    """Words above a block: the detector where there are several, step and family, ``words``, and the number of events."""
    several = len({r["detector"] for r in rows}) > 1
    detector = f"{find_detector(row['detector']).title}, " if several else ""
    return f"{detector}{row['step']}, {row['family']} planes, {words}, {events} event{'' if events == 1 else 's'}"


def _groups(rows: Sequence[dict], columns: Sequence[str]) -> list[list[dict]]:
    """Rows that agree in columns, in the order of their first appearance."""
    found: dict[tuple, list[dict]] = {}
    for row in rows:
        found.setdefault(tuple(row[c] for c in columns), []).append(row)
    return list(found.values())


def methods_blocks(table: Sequence[dict]) -> list[Block]:
    """Return the table of all methods, rows as ``measure.table`` gives them: one block per step, plane family and subset of
    channels, one line per method, value ± error."""
    heads, found = metrics_of(dict.fromkeys(r["task"] for r in table)), []
    for part in _groups(table, ("detector", "step", "family", "channels")):
        metrics = list(dict.fromkeys(r["metric"] for r in part))
        lines = []
        for method in dict.fromkeys(r["method"] for r in part):
            values = {r["metric"]: r for r in part if r["method"] == method}
            cells = (cell(float(values[m]["value"]), float(values[m]["error"])) if m in values else NOTHING for m in metrics)
            lines.append([method, *cells])
        channels = _CHANNELS.get(part[0]["channels"], part[0]["channels"])
        heading = _heading(part[0], channels, max(int(r["events"]) for r in part), table)
        found.append(Block(heading, ["method", *(heads[m].column for m in metrics)], lines))
    return found


def headline_blocks(rows: Sequence[dict], metrics: Sequence[Metric], times: Sequence[dict]) -> list[Block]:
    """Return the headline, rows and times as ``measure.headline`` gives them: one block per step and plane family; columns
    that are empty there are left out."""
    seconds = {(t["step"], t["family"], t["method"]): t["seconds_per_image"] for t in times}
    found = []
    for part in _groups(rows, ("detector", "step", "family")):
        shown = [m for m in metrics if any(math.isfinite(r[m.name]) for r in part)]
        lines = [
            [
                r["method"],
                *(cell(r[m.name], r[f"{m.name}_error"]) for m in shown),
                cell(seconds.get((r["step"], r["family"], r["method"]), math.nan)),
                f"{r['parameters']:,}" if r["parameters"] else NOTHING,
            ]
            for r in part
        ]
        heading = _heading(part[0], "all channels", max(r["events"] for r in part), rows)
        unit = find_detector(part[0]["detector"]).unit_name
        found.append(Block(heading, ["method", *(m.column for m in shown), f"s per {unit}", "parameters"], lines))
    return found


def reproduction_blocks(rows: Sequence[dict]) -> list[Block]:
    """Return two blocks per step and plane family, rows as ``measure.reproduction`` gives them: metrics by cut, and shares
    for the label |truth| >= 3.5 ADC."""
    found, cut_names, share_names = [], {m.name for m in BY_CUT}, {m.name for m in SHARES}
    for part in _groups(rows, ("detector", "step", "family")):
        events, lines = max(int(r["events"]) for r in part), []
        for here in _groups([r for r in part if r["metric"] in cut_names], ("method", "cut_adc")):
            lines.append([here[0]["method"], cell(float(here[0]["cut_adc"])), *_line(here, BY_CUT)])
        if lines:
            heading = _heading(part[0], "DUNEdn's definitions beside ours", events, rows)
            found.append(Block(heading, ["method", "cut [ADC]", *(m.column for m in BY_CUT)], lines))
        selectors = _groups([r for r in part if r["metric"] in share_names], ("method",))
        if selectors:
            words = "shares of all pixels for DUNEdn's label |truth| ≥ 3.5 ADC, at each method's threshold"
            heading = _heading(part[0], words, events, rows)
            lines = [[here[0]["method"], *_line(here, SHARES)] for here in selectors]
            found.append(Block(heading, ["method", *(m.column for m in SHARES)], lines))
    return found


def _line(part: Sequence[dict], metrics: Sequence[Metric]) -> list[str]:
    values = {r["metric"]: r for r in part}
    found = (values.get(m.name) for m in metrics)
    return [cell(float(r["value"]), float(r["error"])) if r else NOTHING for r in found]


def lost_events_page(rows: Sequence[dict]) -> str:
    """Return the events that were left out as a small HTML page; without any it says so."""
    lines = [f"<li>{html.escape(str(r['sample']))}, entry {r['entry']}: {html.escape(r['cause'])}</li>" for r in rows]
    found = "<ul>" + "".join(lines) + "</ul>" if rows else "<p>No event was left out.</p>"
    return f"<!doctype html><meta charset='utf-8'><title>Lost events</title>{found}\n"
