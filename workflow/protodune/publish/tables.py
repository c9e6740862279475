"""Tables for people: the methods, the headline, the events that were left out."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from protodune.detector.registry import find_detector
from protodune.measure.rows import SOURCE_COLUMNS
from protodune.measure.spec import Metric, metrics_of
from protodune.publish.typeset import NOTHING, Block, cell

_CHANNELS = {"all": "all channels", "drift": "drift-facing half"}


def heading_of(row: dict, words: str, events: int, rows: Sequence[dict]) -> str:
    """Return the words above a block: detector where there are several, step, family, ``words``, number of events."""
    several = len({r["detector"] for r in rows}) > 1
    detector = f"{find_detector(row['detector']).title}, " if several else ""
    return f"{detector}{row['step']}, {row['family']} planes, {words}, {events} event{'' if events == 1 else 's'}"


def groups(rows: Sequence[dict], columns: Sequence[str]) -> list[list[dict]]:
    """Return groups of rows that agree in columns, in the order of their first appearance."""
    found: dict[tuple, list[dict]] = {}
    for row in rows:
        found.setdefault(tuple(row[c] for c in columns), []).append(row)
    return list(found.values())


def methods_blocks(table: Sequence[dict]) -> list[Block]:
    """Return the table of all methods, rows as ``measure.table`` gives them: one block per step, plane family and subset of
    channels, one line per method, value ± error."""
    heads, found = metrics_of(dict.fromkeys(r["task"] for r in table)), []
    for part in groups(table, (*SOURCE_COLUMNS, "family", "channels")):
        metrics = list(dict.fromkeys(r["metric"] for r in part))
        lines = []
        for method in dict.fromkeys(r["method"] for r in part):
            values = {r["metric"]: r for r in part if r["method"] == method}
            cells = (cell(float(values[m]["value"]), float(values[m]["error"])) if m in values else NOTHING for m in metrics)
            lines.append([method, *cells])
        channels = _CHANNELS.get(part[0]["channels"], part[0]["channels"])
        heading = heading_of(part[0], channels, max(int(r["events"]) for r in part), table)
        found.append(Block(heading, ["method", *(heads[m].column for m in metrics)], lines))
    return found


def headline_blocks(rows: Sequence[dict], metrics: Sequence[Metric], times: Sequence[dict]) -> list[Block]:
    """Return the headline, rows and times as ``measure.headline`` gives them: one block per step and plane family; columns
    that are empty there are left out."""
    seconds = {(t["step"], t["family"], t["method"]): t["seconds_per_image"] for t in times}
    found = []
    for part in groups(rows, (*SOURCE_COLUMNS, "family")):
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
        heading = heading_of(part[0], "all channels", max(r["events"] for r in part), rows)
        unit = find_detector(part[0]["detector"]).unit_name
        found.append(Block(heading, ["method", *(m.column for m in shown), f"s per {unit}", "parameters"], lines))
    return found


def lost_events_page(rows: Sequence[dict]) -> str:
    """Return the events that were left out as a small HTML page; without any it says so."""
    lines = [f"<li>{html.escape(str(r['sample']))}, entry {r['entry']}: {html.escape(r['cause'])}</li>" for r in rows]
    found = "<ul>" + "".join(lines) + "</ul>" if rows else "<p>No event was left out.</p>"
    return f"<!doctype html><meta charset='utf-8'><title>Lost events</title>{found}\n"
