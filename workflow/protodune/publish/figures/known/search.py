"""The trials of a search for settings."""

from __future__ import annotations

import json

from matplotlib import pyplot as plt
from matplotlib.ticker import NullFormatter

from protodune.publish.figures.lines import say_nothing
from protodune.publish.figures.spec import Figure, Rows
from protodune.publish.figures.style import COLOURS

_FEW = 5
"""Up to so many values stand side by side and not on a scale."""


def best_first(rows: Rows) -> Rows:
    """Return the trials, the smallest validation loss first."""
    return sorted(rows, key=lambda r: float(r["val_loss"]))


def draw_search(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw the validation loss over each setting, one panel per setting; ended trials are hollow, the best is ringed."""
    if not rows:
        figure, axis = plt.subplots()
        say_nothing(axis)
        figure.suptitle(title)
        return figure
    parameters = [json.loads(r["parameters"]) for r in rows]
    losses = [float(r["val_loss"]) for r in rows]
    names = sorted({name for p in parameters for name in p})
    figure, axes = plt.subplots(1, len(names), figsize=(3.2 * len(names) + 0.6, 3.2), sharey=True, squeeze=False)
    best = min(range(len(rows)), key=lambda i: losses[i])
    for axis, name in zip(axes[0], names, strict=True):
        values = [p[name] for p in parameters]
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        if not numbers or len(set(values)) <= _FEW:
            order = sorted(set(values)) if numbers else sorted({str(v) for v in values})
            axis.set_xticks(range(len(order)), [f"{v:g}" if numbers else v for v in order])
            axis.set_xlim(-0.5, len(order) - 0.5)
            values, numbers = [order.index(v if numbers else str(v)) for v in values], False
        for ended, face in ((False, COLOURS[0]), (True, "white")):
            chosen = [i for i, r in enumerate(rows) if (r["state"] == "pruned") == ended]
            axis.scatter([values[i] for i in chosen], [losses[i] for i in chosen], c=face, edgecolors=COLOURS[0], s=22)
        axis.scatter([values[best]], [losses[best]], facecolors="none", edgecolors=COLOURS[1], s=110, linewidths=1.5)
        if numbers and min(values) > 0 and max(values) > 8 * min(values):
            axis.set_xscale("log")
            axis.xaxis.set_minor_formatter(NullFormatter())
        if max(losses) > 10 * min(losses):
            axis.set_yscale("log")
        axis.set_xlabel(name)
    axes[0][0].set_ylabel("validation loss")
    ended = sum(r["state"] == "pruned" for r in rows)
    figure.suptitle(f"{title}: {len(rows)} trials, {ended} of them ended early")
    return figure


FIGURE = Figure(
    name="search",
    head="Search for settings",
    table="search",
    draw=draw_search,
    caption="Trials of the search for settings: the validation loss over each setting that was varied. Hollow markers are "
    "trials that were ended early because they were worse than the median of the others; the best is ringed.",
    order=190,
    prepare=best_first,
    compares=False,
)
