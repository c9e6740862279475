"""Checks without truth: autocorrelation, coherent residual, pulses."""

from __future__ import annotations

import math

from matplotlib import pyplot as plt
from matplotlib.ticker import MaxNLocator

from protodune.publish.figures.before_after import compared_images, rows_of
from protodune.publish.figures.lines import in_order, legend_below, line_style, say_nothing
from protodune.publish.figures.spec import Figure, Rows

_HEADS = {
    "autocorrelation": ("ticks apart", "correlation", "autocorrelation of quiet values"),
    "coherent_residual": ("board of the plane", "rms of the mean / expected", "coherent residual (1: none)"),
    "pulse_shape": ("ticks from the peak", "mean pulse [ADC]", "aligned pulses"),
    "pulse_area": ("tick of arrival", "median area [ADC tick]", "isolated pulses"),
}


def draw_checks(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw the autocorrelation of quiet values and the coherent residual of the boards; of collection planes also the mean
    pulse and the areas of pulses by the time of their arrival."""
    planes, order = in_order(rows, "plane"), in_order(rows)
    panels = [(q, p) for p in planes for q in ("autocorrelation", "coherent_residual")]
    there = {(r["quantity"], r["plane"]) for r in rows}
    panels += [(q, p) for p in planes for q in ("pulse_shape", "pulse_area") if (q, p) in there]
    columns = 2
    lines = max(1, -(-len(panels) // columns))
    figure, axes = plt.subplots(lines, columns, figsize=(9, 2.9 * lines + 0.4), squeeze=False)
    for axis in axes.ravel()[len(panels) :]:
        axis.remove()
    for axis, (quantity, plane) in zip(axes.ravel(), panels, strict=False):
        for number, (name, value) in enumerate(compared_images(order)):
            part = rows_of(rows, quantity, plane, order[0] if name == "raw" else name)
            points = sorted((float(r["x"]), value(r)) for r in part if math.isfinite(value(r)))
            style = {"color": "0.6", "ls": "-"} if name == "raw" else line_style(number - 1, name in networks)
            style |= {"marker": "" if quantity == "pulse_shape" else "o", "ms": 3, "lw": 1.1}
            axis.plot([x for x, _ in points], [y for _, y in points], label=name, **style)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        x, y, head = _HEADS[quantity]
        axis.set_xlabel(x)
        axis.set_ylabel(y)
        axis.set_title(
            f"plane {plane}: {head}{_slopes(rows, plane, order) if quantity == 'pulse_area' else ''}", loc="left", fontsize=8
        )
    if not panels:
        figure.clear()
        say_nothing(figure.subplots())
    legend_below(figure, axes.ravel()[: len(panels)])
    figure.suptitle(title)
    return figure


def _slopes(rows: Rows, plane: str, order: list[str]) -> str:
    """The slopes of the areas with time as a line of text."""
    found = [(name, value(part[0])) for name, value in compared_images(order)
             if (part := rows_of(rows, "attenuation_slope", plane, order[0] if name == "raw" else name))]  # fmt: skip
    return "\nslope [1/ms]: " + ", ".join(f"{name} {slope:.3f}" for name, slope in found) if found else ""


FIGURE = Figure(
    name="checks",
    head="Checks without truth",
    table="noise",
    draw=draw_checks,
    caption="Autocorrelation of quiet values; rms of the mean of the channels of a board over what independent channels "
    "would have; isolated collection pulses aligned at their peak; their areas by arrival. Quiet values: farther than 20 "
    "ticks from any above five times the noise of the channel. No truth is used.",
    order=150,
)
