"""Comparisons of methods from averaged tables: lines with error bars by event."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from matplotlib import pyplot as plt

from protodune.publish.figures.style import COLOURS, plain_numbers

Rows = list[dict[str, str]]
MARKERS = "osD^vP*X"
MISSING_TEXT = "no data"
PLANE_NAMES = ["U", "V", "X"]
REGION_HEADS = {
    "pixel_efficiency": "pixel efficiency",
    "pixel_purity": "pixel purity",
    "roi_efficiency": "region efficiency",
    "roi_purity": "region purity",
}
CHARGE_HEADS = {
    "charge_bias": "median of Q/Q$_{true}$ − 1",
    "charge_resolution": "half the central 68 % of Q/Q$_{true}$",
}
IONISATION_HEADS = {"mip": "0.7 to 1.4 MIP", "two_mip": "1.4 to 2.4 MIP", "stopping": "above 2.4 MIP"}


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


def points_of(rows: Rows, x: Callable[[dict], float]) -> tuple[list[float], list[float], list[float]]:
    """Return x, value and error (0 where a single event has none) of the rows with a value."""
    kept = [r for r in rows if math.isfinite(float(r["value"]))]
    errors = [float(r["value_error"]) for r in kept]
    return [x(r) for r in kept], [float(r["value"]) for r in kept], [e if math.isfinite(e) else 0.0 for e in errors]


def _middle(row: dict) -> float:
    return (float(row["low"]) + float(row["high"])) / 2


def _geometric(row: dict) -> float:
    return math.sqrt(float(row["low"]) * float(row["high"]))


def lines_by_method(
    axis: plt.Axes, rows: Rows, networks: set[str], order: list[str], x: Callable, bars: bool = True
) -> None:
    """Draw one line a method; say so where there is nothing."""
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
        axis.text(0.5, 0.5, MISSING_TEXT, transform=axis.transAxes, ha="center", color="0.5")


def legend_below(figure: plt.Figure, axes: Iterable[plt.Axes], columns: int = 4) -> None:
    """One legend below the figure, of every name that any panel shows."""
    found: dict[str, object] = {}
    for axis in axes:
        for handle, name in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    if found:
        figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=columns, fontsize=8)


def _panels(
    rows: Rows, networks: set[str], title: str, wanted: list[tuple[str, str, str]], x: Callable, **options
) -> plt.Figure:
    """Draw one panel a quantity: (quantity, label of y, panel title)."""
    order = list(dict.fromkeys(r["method"] for r in rows))
    figure, axes = plt.subplots(1, len(wanted), figsize=(4.3 * len(wanted), 3.5), squeeze=False)
    for axis, (quantity, label, head) in zip(axes[0], wanted, strict=True):
        part = [r for r in rows if r["quantity"] == quantity]
        lines_by_method(axis, part, networks, order, x, options.get("bars", True))
        axis.set_ylabel(label)
        axis.set_title(head, loc="left")
        axis.set_xlabel(options["x_label"])
        axis.set_xscale(options.get("x_scale", "linear"))
        if options.get("x_scale") == "log":
            plain_numbers(axis.xaxis)
    legend_below(figure, axes[0])
    figure.suptitle(title)
    return figure


def draw_residuals(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw the densities of denoised minus truth in background and in signal pixels."""
    wanted = [
        ("residual_background", "density [1/ADC]", "background, |truth| < 3.5 ADC"),
        ("residual_signal", "density [1/ADC]", "signal, |truth| ≥ 3.5 ADC"),
    ]
    figure = _panels(rows, networks, title, wanted, _middle, x_label="denoised − truth [ADC]", bars=False)
    for axis in figure.axes:
        if axis.lines:
            axis.set_yscale("log")
            axis.set_ylim(bottom=1e-6)
    return figure


def draw_amplitude(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw bias and rms of the error of signal pixels against the true amplitude."""
    wanted = [("amplitude_bias", "mean error [ADC]", "bias"), ("amplitude_rms", "rms error [ADC]", "rms")]
    figure = _panels(rows, networks, title, wanted, _geometric, x_label="|truth| [ADC]", x_scale="log")
    figure.axes[0].axhline(0, color="0.6", lw=0.6)
    figure.axes[1].set_ylim(bottom=0)
    return figure


def draw_charge(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw bias and resolution of the charge of regions, and where it is there their efficiency, against the true charge."""
    wanted = [
        ("charge_bias_by_charge", CHARGE_HEADS["charge_bias"], "bias"),
        ("charge_resolution_by_charge", CHARGE_HEADS["charge_resolution"], "resolution"),
    ]
    if any(r["quantity"] == "efficiency_by_charge" for r in rows):
        wanted.insert(0, ("efficiency_by_charge", "regions found", "efficiency"))
    figure = _panels(rows, networks, title, wanted, _geometric, x_label="Q$_{true}$ [ADC tick]", x_scale="log")
    for axis, (quantity, _, _) in zip(figure.axes, wanted, strict=True):
        low, high = axis.get_ylim()
        if quantity == "charge_bias_by_charge":
            axis.axhline(0, color="0.6", lw=0.6)
            axis.set_ylim(max(low, -1), min(high, 0.5))
        elif quantity == "efficiency_by_charge":
            axis.set_ylim(0, 1.05)
        else:
            axis.set_ylim(0, min(high, 0.6))
    return figure


def draw_labels(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw sensitivity and specificity of the regions against the threshold of the label."""
    wanted = [
        ("sensitivity_by_label", "sensitivity", "signal pixels found"),
        ("specificity_by_label", "1 − specificity", "others taken for signal"),
    ]
    flipped = [{**r, "value": str(1 - float(r["value"]))} if r["quantity"] == "specificity_by_label" else r for r in rows]
    figure = _panels(flipped, networks, title, wanted, _middle, x_label="label: |truth| above [ADC]")
    figure.axes[0].set_ylim(0, 1.02)
    if figure.axes[1].lines:
        figure.axes[1].set_yscale("log")
    return figure


def draw_angles(rows: Rows, networks: set[str], title: str, metrics: list[tuple[str, str]]) -> plt.Figure:
    """Draw metrics (name, label) against the angle of prolonged tracks, one column a plane; rows have view, theta_deg,
    method, metric, value and its error."""
    views = [v for v in PLANE_NAMES if any(r["view"] == v for r in rows)] or PLANE_NAMES
    order = [m for m in dict.fromkeys(r["method"] for r in rows) if any(r["metric"] in dict(metrics) and r["method"] == m
             and math.isfinite(float(r["value"])) for r in rows)]  # fmt: skip
    figure, axes = plt.subplots(
        len(metrics), len(views), figsize=(3.4 * len(views) + 0.4, 2.5 * len(metrics) + 0.6), sharex=True, squeeze=False,
        sharey="row",
    )  # fmt: skip
    for line, (metric, label) in zip(axes, metrics, strict=True):
        for axis, view in zip(line, views, strict=True):
            part = [r for r in rows if r["view"] == view and r["metric"] == metric]
            lines_by_method(axis, part, networks, order, lambda r: float(r["theta_deg"]))
            if metric in REGION_HEADS:
                axis.set_ylim(0, 1.04)
            else:
                axis.axhline(0, color="0.6", lw=0.6)
        line[0].set_ylabel(label)
    for axis, view in zip(axes[0], views, strict=True):
        axis.set_title(f"plane {view}", loc="left")
    for axis in axes[-1]:
        axis.set_xlabel("θ$_{xz}$ [deg]")
    legend_below(figure, axes.ravel())
    figure.suptitle(title)
    return figure


def draw_ionisation(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw bias and resolution of the charge of regions of one track against its angle, one column a class of ionisation."""
    order = list(dict.fromkeys(r["method"] for r in rows))
    figure, axes = plt.subplots(
        2, len(IONISATION_HEADS), figsize=(3.6 * len(IONISATION_HEADS), 5.6), sharex=True, sharey="row", squeeze=False
    )
    for line, (metric, label) in zip(axes, CHARGE_HEADS.items(), strict=True):
        for axis, (name, head) in zip(line, IONISATION_HEADS.items(), strict=True):
            lines_by_method(axis, [r for r in rows if r["quantity"] == f"{metric}_{name}"], networks, order, _middle)
            if metric == "charge_bias":
                axis.axhline(0, color="0.6", lw=0.6)
                axis.set_title(head, loc="left")
            else:
                axis.set_ylim(bottom=0)
                axis.set_xlabel("θ$_{xz}$ [deg]")
                axis.set_xlim(0, 90)
        line[0].set_ylabel(label)
    legend_below(figure, axes.ravel())
    figure.suptitle(title)
    return figure
