"""The table of the methods as a picture."""

from __future__ import annotations

import math

from matplotlib import pyplot as plt

from protodune.publish.figures.style import COLOURS


def draw_metrics(rows: list[dict[str, str]], networks: set[str], title: str) -> plt.Figure:
    """Draw the mean squared error of every method on all channels, one panel a plane family; error bars by event.

    ``rows``: the table of methods; ``networks``: the names to be drawn as networks.
    """
    chosen = [r for r in rows if r["metric"] == "mse" and r["region"] == "all"]
    planes = list(dict.fromkeys(r["plane"] for r in chosen))
    figure, axes = plt.subplots(1, len(planes), figsize=(4.2 * len(planes), 3.2), squeeze=False)
    for axis, plane in zip(axes[0], planes, strict=True):
        part = sorted((r for r in chosen if r["plane"] == plane), key=lambda r: -float(r["mean"]))
        for y, row in enumerate(part):
            mean, error = float(row["mean"]), float(row["error"])
            colour = COLOURS[0] if row["method"] in networks else COLOURS[1]
            axis.errorbar(mean, y, xerr=error if math.isfinite(error) else None, fmt="o", color=colour, capsize=3)
            axis.annotate(f"{mean:.3g}", (mean, y), xytext=(0, 5), textcoords="offset points", ha="center", fontsize=8)
        axis.set_yticks(range(len(part)), [r["method"] for r in part])
        axis.set_ylim(-0.5, len(part) - 0.2)
        axis.set_xscale("log")
        axis.margins(x=0.12)
        axis.set_xlabel("mean squared error [ADC²]")
        axis.set_title(f"{plane}, {max(int(r['events']) for r in part)} event(s)")
    for colour, name in ((COLOURS[0], "network"), (COLOURS[1], "classical")):
        axes[0, -1].plot([], [], "o", color=colour, label=name)
    axes[0, -1].legend(loc="upper right")
    figure.suptitle(title)
    return figure
