"""Comparisons of methods and checks without truth, all from averaged tables: lines with error bars by event."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from protodune.figures.style import COLOURS, RAW_COLOUR

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


def _style(number: int, is_network: bool) -> dict:
    colour = COLOURS[number % len(COLOURS)]
    return {
        "color": colour,
        "ls": "-" if is_network else "--",
        "marker": MARKERS[number % len(MARKERS)],
        "ms": 3.5,
        "lw": 1.2,
    }


def _points(rows: Rows, x: Callable[[dict], float]) -> tuple[list[float], list[float], list[float]]:
    """Return x, value and error (0 where a single event has none) of the rows with a value."""
    kept = [r for r in rows if math.isfinite(float(r["value"]))]
    errors = [float(r["value_error"]) for r in kept]
    return [x(r) for r in kept], [float(r["value"]) for r in kept], [e if math.isfinite(e) else 0.0 for e in errors]


def _middle(row: dict) -> float:
    return (float(row["low"]) + float(row["high"])) / 2


def _geometric(row: dict) -> float:
    return math.sqrt(float(row["low"]) * float(row["high"]))


def _by_method(axis: plt.Axes, rows: Rows, networks: set[str], order: list[str], x: Callable, bars: bool = True) -> None:
    """Draw one line a method; say so where there is nothing."""
    drawn = 0
    for number, method in enumerate(order):
        points = _points([r for r in rows if r["method"] == method], x)
        if points[0]:
            style = _style(number, method in networks)
            if bars:
                axis.errorbar(*points, label=method, capsize=2, **style)
            else:
                axis.plot(points[0], points[1], label=method, **{**style, "marker": ""})
            drawn += 1
    if not drawn:
        axis.text(0.5, 0.5, MISSING_TEXT, transform=axis.transAxes, ha="center", color="0.5")


def _legend(figure: plt.Figure, axes: Iterable[plt.Axes], columns: int = 4) -> None:
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
        _by_method(axis, part, networks, order, x, options.get("bars", True))
        axis.set_ylabel(label)
        axis.set_title(head, loc="left")
        axis.set_xlabel(options["x_label"])
        axis.set_xscale(options.get("x_scale", "linear"))
        if options.get("x_scale") == "log":  # powers of ten alone may leave a short axis without a number
            axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.xaxis.set_major_formatter("{x:g}")
            axis.xaxis.set_minor_formatter(NullFormatter())
    _legend(figure, axes[0])
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
        ("charge_bias_by_charge", "median of Q/Q$_{true}$ − 1", "bias"),
        ("charge_resolution_by_charge", "half the central 68 % of Q/Q$_{true}$", "resolution"),
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
            _by_method(axis, part, networks, order, lambda r: float(r["theta_deg"]))
            if metric in REGION_HEADS:
                axis.set_ylim(0, 1.04)
            else:
                axis.axhline(0, color="0.6", lw=0.6)
        line[0].set_ylabel(label)
    for axis, view in zip(axes[0], views, strict=True):
        axis.set_title(f"plane {view}", loc="left")
    for axis in axes[-1]:
        axis.set_xlabel("θ$_{xz}$ [deg]")
    _legend(figure, axes.ravel())
    figure.suptitle(title)
    return figure


def _images(rows: Rows, order: list[str]) -> list[tuple[str, Callable[[dict], float]]]:
    """The images that a noise figure compares, by label: raw, then what each method made of it."""
    return [("raw", lambda r: float(r["raw"])), *((m, lambda r: float(r["denoised"])) for m in order)]


def _of(rows: Rows, quantity: str, view: str, method: str) -> Rows:
    return [r for r in rows if r["quantity"] == quantity and r["view"] == view and r["method"] == method]


def draw_noise(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw the noise of every channel before and after, its distribution, and its spectrum; one line of panels a plane."""
    views, order = list(dict.fromkeys(r["view"] for r in rows)), list(dict.fromkeys(r["method"] for r in rows))
    figure, axes = plt.subplots(max(len(views), 1), 3, figsize=(12, 3.1 * max(len(views), 1) + 0.4), squeeze=False)
    for line, view in zip(axes, views, strict=False):
        for number, (name, value) in enumerate(_images(rows, order)):
            colour = RAW_COLOUR if name == "raw" else COLOURS[number - 1]
            ls = "-" if name == "raw" or name in networks else "--"
            rms = _of(rows, "noise_rms", view, order[0] if name == "raw" else name)
            line[0].plot([float(r["x"]) for r in rms], [value(r) for r in rms], ".", ms=2, color=colour, label=name)
            top = max(float(np.quantile([float(r["raw"]) for r in rms], 0.99)), 1e-3) * 1.2
            shown, bins = np.clip([value(r) for r in rms], 0, top), np.linspace(0, top, 60)
            line[1].hist(shown, bins=bins, histtype="step", color=colour, ls=ls, label=name)
            spectrum = _of(rows, "spectrum", view, order[0] if name == "raw" else name)
            amplitude = [max(value(r), 1e-4) for r in spectrum]
            line[2].plot([float(r["x"]) for r in spectrum], amplitude, color=colour, ls=ls, lw=1.2, label=name)
            line[0].set_ylim(-0.02 * top, top)
        line[1].set_yscale("log")
        line[2].set_yscale("log")
        for axis, x, y in zip(line, ("offline channel", "noise rms of a channel [ADC]", "frequency [kHz]"),
                              ("noise rms [ADC]", "channels", "amplitude of quiet samples [ADC]"), strict=True):  # fmt: skip
            axis.set_xlabel(x)
            axis.set_ylabel(y)
        line[0].ticklabel_format(useOffset=False)
        line[0].set_title(f"plane {view}", loc="left")
    _legend(figure, [axes[0, 2]])
    figure.suptitle(title)
    return figure


def draw_boards(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw how the channels of the front-end boards are correlated: raw, denoised and removed by each method, one line of
    panels a plane."""
    views, order = list(dict.fromkeys(r["view"] for r in rows)), list(dict.fromkeys(r["method"] for r in rows))
    columns = [("raw", order[0], "raw")] if order else []
    columns += [(f"{m}, {name}", m, name) for m in order for name in ("denoised", "removed")]
    shape = (max(len(views), 1), max(len(columns), 1))
    figure, axes = plt.subplots(*shape, figsize=(2.6 * shape[1] + 0.8, 2.7 * shape[0] + 0.5), squeeze=False)
    drawn = None
    for line, view in zip(axes, views, strict=False):
        for axis, (head, method, name) in zip(line, columns, strict=True):
            part = _of(rows, "board_correlation", view, method)
            size = 1 + max((int(float(r["x"])) for r in part), default=0)
            matrix = np.full((size, size), np.nan)
            for r in part:
                matrix[int(float(r["x"])), int(float(r["y"]))] = float(r[name])
            drawn = axis.imshow(matrix, vmin=-1, vmax=1, cmap="RdBu_r", origin="lower")
            if not np.isfinite(matrix).any():
                axis.text(0.5, 0.5, "nothing left", transform=axis.transAxes, ha="center", color="0.5")
            axis.set_title(head, fontsize=8)
            axis.set_xlabel("board of the plane")
        line[0].set_ylabel(f"plane {view}: board")
    if drawn is not None:
        figure.colorbar(drawn, ax=axes, label="mean correlation of two channels", shrink=0.7)
    figure.suptitle(title)
    return figure


def draw_checks(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw the autocorrelation of quiet samples and the coherent residual of the boards; of collection planes also the mean
    pulse and the areas of pulses by the time of their arrival."""
    order, views = list(dict.fromkeys(r["method"] for r in rows)), list(dict.fromkeys(r["view"] for r in rows))
    panels = [(q, v) for v in views for q in ("autocorrelation", "coherent_residual")]
    panels += [
        (q, v)
        for v in views
        for q in ("pulse_shape", "pulse_area")
        if any(r["quantity"] == q and r["view"] == v for r in rows)
    ]
    heads = {
        "autocorrelation": ("ticks apart", "correlation", "quiet samples"),
        "coherent_residual": ("board of the plane", "rms of the mean / expected", "coherent residual (1: none)"),
        "pulse_shape": ("ticks from the peak", "mean pulse [ADC]", "aligned pulses"),
        "pulse_area": ("tick of arrival", "median area [ADC tick]", "isolated pulses"),
    }
    columns = 2
    lines = max(1, -(-len(panels) // columns))
    figure, axes = plt.subplots(lines, columns, figsize=(9, 2.9 * lines + 0.4), squeeze=False)
    for axis in axes.ravel()[len(panels) :]:
        axis.remove()
    for axis, (quantity, view) in zip(axes.ravel(), panels, strict=False):
        for number, (name, value) in enumerate(_images(rows, order)):
            part = _of(rows, quantity, view, order[0] if name == "raw" else name)
            points = sorted((float(r["x"]), value(r)) for r in part if math.isfinite(value(r)))
            style = {"color": "0.6", "ls": "-"} if name == "raw" else _style(number - 1, name in networks)
            style |= {"marker": "" if quantity == "pulse_shape" else "o", "ms": 3, "lw": 1.1}
            axis.plot([x for x, _ in points], [y for _, y in points], label=name, **style)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        x, y, head = heads[quantity]
        axis.set_xlabel(x)
        axis.set_ylabel(y)
        axis.set_title(
            f"plane {view}: {head}{_slopes(rows, view, order) if quantity == 'pulse_area' else ''}", loc="left", fontsize=8
        )
    _legend(figure, axes.ravel()[: len(panels)])
    figure.suptitle(title)
    return figure


def _slopes(rows: Rows, view: str, order: list[str]) -> str:
    """The slopes of the areas with time as a line of text."""
    found = [(name, value(part[0])) for name, value in _images(rows, order)
             if (part := _of(rows, "attenuation_slope", view, order[0] if name == "raw" else name))]  # fmt: skip
    return "\nslope [1/ms]: " + ", ".join(f"{name} {slope:.3f}" for name, slope in found) if found else ""
