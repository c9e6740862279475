"""The mean squared error of all methods, from their table."""

from __future__ import annotations

import math

from matplotlib import pyplot as plt

from protodune.measure.known.waveforms import MEASURE
from protodune.publish.figures.lines import say_nothing
from protodune.publish.figures.spec import Figure, Rows
from protodune.publish.figures.style import COLOURS

METRIC = MEASURE.metric("mse")


def chosen(rows: Rows) -> Rows:
    """Return the squared errors on all channels."""
    return [r for r in rows if r["metric"] == METRIC.name and r["channels"] == "all"]


def draw_metrics(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw the squared error of every method, one panel per plane family; error bars by event."""
    families = list(dict.fromkeys(r["family"] for r in rows))
    figure, axes = plt.subplots(1, max(len(families), 1), figsize=(4.2 * max(len(families), 1), 3.2), squeeze=False)
    for axis, family in zip(axes[0], families, strict=False):
        part = sorted((r for r in rows if r["family"] == family), key=lambda r: -float(r["value"]))
        for y, row in enumerate(part):
            mean, error = float(row["value"]), float(row["error"])
            colour = COLOURS[0] if row["method"] in networks else COLOURS[1]
            axis.errorbar(mean, y, xerr=error if math.isfinite(error) else None, fmt="o", color=colour, capsize=3)
            axis.annotate(f"{mean:.3g}", (mean, y), xytext=(0, 5), textcoords="offset points", ha="center", fontsize=8)
        axis.set_yticks(range(len(part)), [r["method"] for r in part])
        axis.set_ylim(-0.5, len(part) - 0.2)
        axis.set_xscale("log")
        axis.margins(x=0.12)
        axis.set_xlabel(METRIC.label)
        events = max(int(r["events"]) for r in part)
        axis.set_title(f"{family}, {events} event{'' if events == 1 else 's'}")
    if not families:
        say_nothing(axes[0, 0])
    for colour, name in ((COLOURS[0], "network"), (COLOURS[1], "classical")):
        axes[0, -1].plot([], [], "o", color=colour, label=name)
    axes[0, -1].legend(loc="upper right")
    figure.suptitle(title)
    return figure


FIGURE = Figure(
    name="metrics",
    head="Denoising error of all methods",
    table="methods",
    draw=draw_metrics,
    caption="Mean squared error of all methods on all channels, logarithmic. Bars: standard errors over events (none for "
    "a single event).",
    order=50,
    prepare=chosen,
    compares=False,
)
