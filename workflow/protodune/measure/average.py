"""Means over events with their standard errors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from protodune.measure.rows import SOURCE_COLUMNS


def mean_over_events(values: list[float], events: list) -> tuple[float, float, int]:
    """Return mean, standard error and number of events.

    Images of one event are averaged first, since their errors are correlated; error = std / sqrt(n), NaN for a single event.
    NaN does not count: an image without signal has no efficiency.
    """
    grouped: dict = {}
    for event, value in zip(events, values, strict=True):
        if not math.isnan(value):
            grouped.setdefault(event, []).append(value)
    means = np.array([np.mean(v) for v in grouped.values()])
    n = len(means)
    if n == 0:
        return math.nan, math.nan, 0
    error = float(np.std(means, ddof=1) / math.sqrt(n)) if n > 1 else math.nan
    return float(np.mean(means)), error, n


def all_keys(columns: Iterable[str], keys: Sequence[str]) -> list[str]:
    """Return ``keys`` with those columns that always count: detector, task and step before them, unit behind the metric."""
    there = set(columns)
    found = [c for c in SOURCE_COLUMNS if c in there and c not in keys]
    for key in keys:
        found += [key, "unit"] if key == "metric" and "unit" in there and "unit" not in keys else [key]
    return found


def error_column(value: str) -> str:
    """Return the column of the error of a column of values: ``error`` of ``value``, ``x_error`` of any other."""
    return "error" if value == "value" else f"{value}_error"


def averaged_columns(keys: Sequence[str], values: Sequence[str]) -> list[str]:
    """Return the columns of averaged rows."""
    return [*keys, *(name for value in values for name in (value, error_column(value))), "events"]


def average_rows(rows: Iterable[dict[str, str]], keys: Sequence[str], values: Sequence[str] = ("value",)) -> list[dict]:
    """Average rows of single images (with sample, run, subrun, event) that agree in ``keys``.

    Returns rows in the order of their first appearance: the keys, each of ``values`` with its error by
    ``mean_over_events``, and the number of ``events``.
    """
    groups: dict[tuple, list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[k] for k in keys), []).append(row)
    averaged = []
    for key, group in groups.items():
        events, line = [(r["sample"], r["run"], r["subrun"], r["event"]) for r in group], dict(zip(keys, key, strict=True))
        most = 0
        for value in values:
            line[value], line[error_column(value)], n = mean_over_events([float(r[value]) for r in group], events)
            most = max(most, n)
        averaged.append({**line, "events": most})
    return averaged
