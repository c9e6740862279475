"""Efficiency and purity of regions on prolonged tracks by their angle."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib import pyplot as plt

from protodune.measure.known.regions import MEASURE
from protodune.measure.spec import Metric
from protodune.publish.figures.lines import in_order, legend_below, lines_by_method, zero_line
from protodune.publish.figures.spec import Figure, Rows

METRICS = [
    MEASURE.metric(n) for n in ("pixel_efficiency", "pixel_purity", "region_efficiency", "region_purity")
]  # all shares between 0 and 1


def chosen(rows: Rows, metrics: Sequence[Metric]) -> Rows:
    """Return the rows of metrics."""
    names = {m.name for m in metrics}
    return [r for r in rows if r["metric"] in names]


def draw_angles(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw efficiency and purity against the angle."""
    return angle_panels(rows, networks, title, METRICS, shares=True)


def angle_panels(rows: Rows, networks: set[str], title: str, metrics: Sequence[Metric], shares: bool) -> plt.Figure:
    """Draw metrics against the angle of prolonged tracks, one line of panels per metric and one column per plane; rows have
    plane, theta_deg, method, metric, value and its error.  ``shares``: between 0 and 1, else around 0."""
    planes = sorted(in_order(rows, "plane")) or [""]
    having = {r["method"] for r in rows if math.isfinite(float(r["value"]))}
    order = [m for m in in_order(rows) if m in having]
    size = (3.4 * max(len(planes), 2) + 0.4, 2.5 * len(metrics) + 0.6)
    figure, axes = plt.subplots(len(metrics), len(planes), figsize=size, sharex=True, squeeze=False, sharey="row")
    for line, metric in zip(axes, metrics, strict=True):
        for axis, plane in zip(line, planes, strict=True):
            part = [r for r in rows if r["plane"] == plane and r["metric"] == metric.name]
            lines_by_method(axis, part, networks, order, lambda r: float(r["theta_deg"]))
            if shares:
                axis.set_ylim(0, 1.04)
            else:
                zero_line(axis)
        line[0].set_ylabel(metric.label)
    for axis, plane in zip(axes[0], planes, strict=True):
        axis.set_title(f"plane {plane}" if plane else "", loc="left")
    for axis in axes[-1]:
        axis.set_xlabel("θ$_{xz}$ [deg]")
    legend_below(figure, axes.ravel())
    figure.suptitle(title)
    return figure


FIGURE = Figure(
    name="angles",
    head="Regions of interest on prolonged tracks",
    table="angles",
    draw=draw_angles,
    caption="Efficiency and purity of regions of interest for ideal tracks against their angle in the plane of drift and "
    "pitch; 0 is parallel to the wire planes, 90 along the drift. Regions: pixels of ten ticks with more than 100 "
    "electrons per tick on average. Bars: standard errors over events (none for a single event).",
    order=10,
    prepare=lambda rows: chosen(rows, METRICS),
)
