"""Curves of region selectors from counts by threshold, and the areas below them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.integrate import trapezoid

from protodune.measure.rows import SOURCE_COLUMNS
from protodune.measure.spec import Metric

SIGNAL, OTHER = "signal_pixels_found", "other_pixels_found"
"""The metrics that hold the counts (``measure.known.regions``)."""
AREA = Metric("auc", "region AUC", axis="area under the ROC curve", headline=True)
METHOD_COLUMNS = (*SOURCE_COLUMNS, "family", "method")
AREA_COLUMNS = (*METHOD_COLUMNS, "auc", "error", "events")
POINT_COLUMNS = (*METHOD_COLUMNS, "threshold", "sensitivity", "specificity", "purity")


def areas_and_points(rows: list[dict[str, str]]) -> tuple[list[dict], list[dict]]:
    """Add up the counts of each method over its samples; return a row per method and one per point of its curve.

    ``rows``: scores; methods that find no regions have no counts and are left out.  Errors of areas: bootstrap over events.
    """
    methods: dict[tuple, list[dict[str, str]]] = {}
    for row in rows:
        if row["metric"] in (SIGNAL, OTHER):
            methods.setdefault(tuple(row[c] for c in METHOD_COLUMNS), []).append(row)
    areas, points = [], []
    for key, part in methods.items():
        thresholds, counts = by_event(part)
        auc, error = roc_auc(*counts.sum(axis=0)), bootstrap_error(counts, lambda c: roc_auc(*c))
        areas.append(dict(zip(AREA_COLUMNS, (*key, auc, error, len(counts)), strict=True)))
        curve = rates(thresholds, *counts.sum(axis=0))
        points += [dict(zip(POINT_COLUMNS, (*key, *point), strict=True)) for point in curve]
    return areas, points


def by_event(rows: list[dict[str, str]]) -> tuple[list[str], np.ndarray]:
    """Return the thresholds and the counts of each event, int64 (events, 2, thresholds): found signal pixels, others."""
    thresholds = list(dict.fromkeys(r["low"] for r in rows))
    events = list(dict.fromkeys((r["sample"], r["run"], r["subrun"], r["event"]) for r in rows))
    counts = np.zeros((len(events), 2, len(thresholds)), np.int64)
    event_place = {event: i for i, event in enumerate(events)}
    place = {threshold: i for i, threshold in enumerate(thresholds)}
    for r in rows:
        event = event_place[r["sample"], r["run"], r["subrun"], r["event"]]
        counts[event, int(r["metric"] == OTHER), place[r["low"]]] += int(r["value"])
    return thresholds, counts


def rates(thresholds: list[str], found: np.ndarray, false: np.ndarray) -> list[tuple[str, float, float, float]]:
    """Return threshold, sensitivity (pixel efficiency), specificity and purity of every point; NaN where undefined."""
    share = lambda part, whole: float(part / whole) if whole else math.nan  # noqa: E731
    return [
        (threshold, share(f, found[0]), 1 - share(o, false[0]), share(f, f + o))
        for threshold, f, o in zip(thresholds, found, false, strict=True)
    ]


def roc_auc(found: np.ndarray, false: np.ndarray) -> float:
    """Return the area under the curve of ``measure.regions.region_counts`` by the trapezoidal rule, sensitivity against
    1 - specificity; NaN without signal or without background."""
    if found[0] == 0 or false[0] == 0:
        return math.nan
    sensitivity, others = found / found[0], false / false[0]
    return float(-trapezoid(sensitivity, others))


def bootstrap_error(counts: np.ndarray, statistic: Callable[[np.ndarray], float], draws: int = 500, seed: int = 1) -> float:
    """Return the standard deviation of ``statistic`` of the sum of ``counts`` (events, ...) over resamplings of the events
    with replacement; NaN for a single event."""
    n = len(counts)
    if n < 2:
        return math.nan
    rng = np.random.default_rng(seed)
    return float(np.nanstd([statistic(counts[rng.integers(n, size=n)].sum(axis=0)) for _ in range(draws)]))
