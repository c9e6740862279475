"""Compare region selectors: ROC curves, efficiency against purity, areas under the curves with errors by event."""

from __future__ import annotations

import argparse
import logging
import math
from pathlib import Path

import numpy as np

from protodune.publish.figures.regions import draw_regions
from protodune.publish.figures.style import save_figure
from protodune.detector.geometry import PLANE_FAMILIES
from protodune.measure.waveforms import bootstrap_error, roc_auc
from protodune.stages.command import run_stage, stage_parser
from protodune.core.tables import read_table, write_table

log = logging.getLogger(__name__)
AREA_COLUMNS = ["plane", "method", "auc", "error", "events"]
POINT_COLUMNS = ["method", "threshold", "sensitivity", "specificity", "purity"]


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("roi_curves", __doc__)
    p.add_argument("--plane", required=True, choices=sorted(PLANE_FAMILIES))
    p.add_argument("--curves", required=True, nargs="+", help="TSV files of counts, of the stage 'score'")
    p.add_argument("--names", required=True, nargs="+", help="the method of each file")
    p.add_argument("--networks", nargs="*", default=[], help="methods that are networks")
    p.add_argument("--areas", required=True, help="TSV of the areas to write")
    p.add_argument("--output", required=True, help="PNG to write; SVG and TSV beside it")
    return p


def run(plane: str, curves: list[str], names: list[str], networks: list[str], areas: str, output: str) -> None:
    """Add up the counts of each method over its samples and write areas, points and the figure."""
    rows: dict[str, list[dict[str, str]]] = {}
    for path, name in zip(curves, names, strict=True):
        rows.setdefault(name, []).extend(read_table(path))
    area_rows, points = [], []
    for method, part in rows.items():
        if not part:
            continue  # finds no regions
        thresholds, counts = by_event(part)
        auc = roc_auc(*counts.sum(axis=0))
        error = bootstrap_error(counts, lambda c: roc_auc(*c))
        area_rows.append(dict(zip(AREA_COLUMNS, (plane, method, auc, error, len(counts)), strict=True)))
        points += [
            dict(zip(POINT_COLUMNS, (method, *point), strict=True)) for point in rates(thresholds, *counts.sum(axis=0))
        ]
    write_table(areas, area_rows, AREA_COLUMNS)
    target = Path(output).with_suffix(".tsv")
    write_table(target, points, POINT_COLUMNS)
    save_figure(draw_regions(read_table(target), read_table(areas), set(networks), f"Regions of interest, {plane}"), output)
    log.info("%s: %d region selectors", areas, len(area_rows))


def by_event(rows: list[dict[str, str]]) -> tuple[list[str], np.ndarray]:
    """Return the thresholds and the counts of each event, int64 (events, 2, thresholds): found signal pixels, others."""
    thresholds = list(dict.fromkeys(r["threshold"] for r in rows))
    events = list(dict.fromkeys((r["sample"], r["run"], r["subrun"], r["event"]) for r in rows))
    counts = np.zeros((len(events), 2, len(thresholds)), np.int64)
    event_place = {event: i for i, event in enumerate(events)}
    place = {threshold: i for i, threshold in enumerate(thresholds)}
    for r in rows:
        event = event_place[r["sample"], r["run"], r["subrun"], r["event"]]
        counts[event, :, place[r["threshold"]]] += int(r["found"]), int(r["false"])
    return thresholds, counts


def rates(thresholds: list[str], found: np.ndarray, false: np.ndarray) -> list[tuple[str, float, float, float]]:
    """Return threshold, sensitivity (pixel efficiency), specificity and purity of every point; NaN where undefined."""
    share = lambda part, whole: float(part / whole) if whole else math.nan  # noqa: E731
    return [
        (threshold, share(f, found[0]), 1 - share(o, false[0]), share(f, f + o))
        for threshold, f, o in zip(thresholds, found, false, strict=True)
    ]


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("roi_curves", lambda: run(a.plane, a.curves, a.names, a.networks, a.areas, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
