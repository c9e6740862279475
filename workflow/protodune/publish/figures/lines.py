"""What figures share that compare methods: lines with error bars by event, one legend below."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from matplotlib import pyplot as plt

from protodune.measure.spec import Metric
from protodune.publish.figures.spec import Rows
from protodune.publish.figures.style import COLOURS, plain_numbers

MARKERS = "osD^vP*X"
MISSING_TEXT = "no data"


def line_style(number: int, is_network: bool) -> dict:
    """Return colour, marker and dashes of a method: lines of networks are full."""
    colour = COLOURS[number % len(COLOURS)]
    return {
        "color": colour,
        "ls": "-" if is_network else "--",
        "marker": MARKERS[number % len(MARKERS)],
        "ms": 3.5,
        "lw": 1.2,
    }


def in_order(rows: Rows, column: str = "method") -> list[str]:
    """Return the values of a column in the order of their first appearance."""
    return list(dict.fromkeys(r[column] for r in rows))


def middle(row: dict) -> float:
    """Return the middle of a bin."""
    return (float(row["low"]) + float(row["high"])) / 2


def geometric_middle(row: dict) -> float:
    """Return the middle of a bin on a logarithmic axis."""
    return math.sqrt(float(row["low"]) * float(row["high"]))


def points_of(rows: Rows, x: Callable[[dict], float]) -> tuple[list[float], list[float], list[float]]:
    """Return x, value and error (0 where a single event has none) of the rows with a value."""
    kept = [r for r in rows if math.isfinite(float(r["value"]))]
    errors = [float(r["error"]) for r in kept]
    return [x(r) for r in kept], [float(r["value"]) for r in kept], [e if math.isfinite(e) else 0.0 for e in errors]


def lines_by_method(
    axis: plt.Axes, rows: Rows, networks: set[str], order: list[str], x: Callable, bars: bool = True
) -> None:
    """Draw one line per method; say so where there is nothing."""
    drawn = 0
    for number, method in enumerate(order):
        points = points_of([r for r in rows if r["method"] == method], x)
        if points[0]:
            style = line_style(number, method in networks)
            if bars:
                axis.errorbar(*points, label=method, capsize=2, **style)
            else:
                axis.plot(points[0], points[1], label=method, **{**style, "marker": ""})
            drawn += 1
    if not drawn:
        say_nothing(axis)


def say_nothing(axis: plt.Axes, text: str = MISSING_TEXT) -> None:
    """Write in the middle of a panel that there is nothing to see."""
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", color="0.5")


def zero_line(axis: plt.Axes) -> None:
    """Draw a thin line at zero."""
    axis.axhline(0, color="0.6", lw=0.6)


def legend_below(figure: plt.Figure, axes: Iterable[plt.Axes], columns: int = 4) -> None:
    """Put one legend below the figure, of every name that any panel shows."""
    found: dict[str, object] = {}
    for axis in axes:
        for handle, name in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    if found:
        figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=columns, fontsize=8)


def panels_by_bin(
    rows: Rows,
    networks: set[str],
    title: str,
    wanted: list[tuple[Metric, str]],
    x_label: str,
    log_x: bool = False,
    bars: bool = True,
) -> plt.Figure:
    """Draw one panel per metric (its definition, title of the panel) over the bins of what it depends on."""
    order = in_order(rows)
    figure, axes = plt.subplots(1, len(wanted), figsize=(4.3 * len(wanted), 3.5), squeeze=False)
    for axis, (metric, head) in zip(axes[0], wanted, strict=True):
        part = [r for r in rows if r["metric"] == metric.name]
        lines_by_method(axis, part, networks, order, geometric_middle if log_x else middle, bars)
        axis.set_ylabel(metric.label)
        axis.set_title(head, loc="left")
        axis.set_xlabel(x_label)
        if log_x:
            axis.set_xscale("log")
            plain_numbers(axis.xaxis)
    legend_below(figure, axes[0])
    figure.suptitle(title)
    return figure
