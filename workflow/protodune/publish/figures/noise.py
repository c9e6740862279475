"""Figures of the checks without truth, from averaged tables: raw, denoised and removed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.ticker import MaxNLocator

from protodune.publish.figures.evidence import Rows, legend_below, line_style
from protodune.publish.figures.style import COLOURS, RAW_COLOUR, plain_numbers

MIN_POINTS = 5
"""Fewer points have no median."""
RATIO_LIMITS = (0.1, 10.0)


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
    legend_below(figure, [axes[0, 2]])
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
            style = {"color": "0.6", "ls": "-"} if name == "raw" else line_style(number - 1, name in networks)
            style |= {"marker": "" if quantity == "pulse_shape" else "o", "ms": 3, "lw": 1.1}
            axis.plot([x for x, _ in points], [y for _, y in points], label=name, **style)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        x, y, head = heads[quantity]
        axis.set_xlabel(x)
        axis.set_ylabel(y)
        axis.set_title(
            f"plane {view}: {head}{_slopes(rows, view, order) if quantity == 'pulse_area' else ''}", loc="left", fontsize=8
        )
    legend_below(figure, axes.ravel()[: len(panels)])
    figure.suptitle(title)
    return figure


def _slopes(rows: Rows, view: str, order: list[str]) -> str:
    """The slopes of the areas with time as a line of text."""
    found = [(name, value(part[0])) for name, value in _images(rows, order)
             if (part := _of(rows, "attenuation_slope", view, order[0] if name == "raw" else name))]  # fmt: skip
    return "\nslope [1/ms]: " + ", ".join(f"{name} {slope:.3f}" for name, slope in found) if found else ""


def draw_crossings(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw the ratios of induction to collection charge at points that all planes see, denoised against raw, one panel a
    plane; rows as the stage 'match_planes' writes them."""
    order = list(dict.fromkeys(r["method"] for r in rows))
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.4), squeeze=False)
    for axis, plane in zip(axes[0], ("U", "V"), strict=True):
        axis.set_xscale("log")
        axis.set_yscale("log")
        heads = []
        for number, method in enumerate(order):
            charges = {k: np.array([float(r[k]) for r in rows if r["method"] == method]) for k in _ratio_columns(plane)}
            ratios = _positive_ratios(*charges.values())
            style = line_style(number, method in networks)
            axis.plot(*ratios, style["marker"], ms=2, mew=0.5, mfc="none", color=style["color"], alpha=0.6, label=method)
            if ratios.shape[1] >= MIN_POINTS:
                low, middle, high = np.quantile(ratios[1] / ratios[0], [0.16, 0.5, 0.84])
                heads.append(f"{method}: {middle:.3f} ± {(high - low) / 2:.3f} ({ratios.shape[1]} points)")
        if not heads:
            axis.text(0.5, 0.5, "too few points", transform=axis.transAxes, ha="center", color="0.5")
        low, high = RATIO_LIMITS
        axis.plot([low, high], [low, high], color="0.6", lw=0.6)
        axis.set_xlim(low, high)
        axis.set_ylim(low, high)
        axis.set_aspect("equal")
        plain_numbers(axis.xaxis, axis.yaxis)
        axis.set_xlabel(f"raw Q$_{plane}$/Q$_X$")
        axis.set_ylabel(f"denoised Q$_{plane}$/Q$_X$")
        axis.set_title("\n".join([f"plane {plane}, denoised over raw:", *heads]), loc="left", fontsize=8)
    legend_below(figure, axes[0])
    figure.suptitle(title)
    return figure


def _ratio_columns(plane: str) -> list[str]:
    return [f"{image}_{p}" for image in ("raw", "denoised") for p in (plane.lower(), "x")]


def _positive_ratios(raw: np.ndarray, raw_x: np.ndarray, denoised: np.ndarray, denoised_x: np.ndarray) -> np.ndarray:
    """Return raw and denoised ratios of the points where all charges are positive, float64 (2, points)."""
    kept = (raw > 0) & (raw_x > 0) & (denoised > 0) & (denoised_x > 0)
    return np.stack([raw[kept] / raw_x[kept], denoised[kept] / denoised_x[kept]])
