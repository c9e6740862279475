"""Charge of one point as three planes see it, before and after."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from protodune.publish.figures.lines import in_order, legend_below, line_style, say_nothing
from protodune.publish.figures.spec import Figure, Rows
from protodune.publish.figures.style import plain_numbers

MIN_POINTS = 5
"""Fewer points have no median."""
RATIO_LIMITS = (0.1, 10.0)
_RAW = "raw_"


def plane_pairs(rows: Rows) -> list[tuple[str, str]]:
    """Return the pairs of an induction and a collection plane that points compare."""
    pairs = {}
    for row in rows:
        collection = row["collection"]
        planes = [c.removeprefix(_RAW) for c in row if c.startswith(_RAW)]
        pairs |= dict.fromkeys((p, collection) for p in planes if p != collection)
    return list(pairs)


def draw_crossings(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw the ratios of induction to collection charge at points that all planes see, denoised against raw, one panel per
    induction plane; rows as the stage 'match_planes' writes them."""
    order = in_order(rows)
    pairs = plane_pairs(rows)
    figure, axes = plt.subplots(1, max(len(pairs), 2), figsize=(4.5 * max(len(pairs), 2), 4.4), squeeze=False)
    for axis in axes[0][len(pairs) :]:
        say_nothing(axis, "too few points")
    for axis, (plane, collection) in zip(axes[0], pairs, strict=False):
        axis.set_xscale("log")
        axis.set_yscale("log")
        heads = []
        for number, method in enumerate(order):
            mine = [r for r in rows if r["method"] == method and r["collection"] == collection]
            names = (f"{image}_{p}" for image in ("raw", "denoised") for p in (plane, collection))
            ratios = _positive_ratios(*(np.array([float(r[n]) for r in mine]) for n in names))
            style = line_style(number, method in networks)
            axis.plot(*ratios, style["marker"], ms=2, mew=0.5, mfc="none", color=style["color"], alpha=0.6, label=method)
            if ratios.shape[1] >= MIN_POINTS:
                low, middle, high = np.quantile(ratios[1] / ratios[0], [0.16, 0.5, 0.84])
                heads.append(f"{method}: {middle:.3f} ± {(high - low) / 2:.3f} ({ratios.shape[1]} points)")
        if not heads:
            say_nothing(axis, "too few points")
        low, high = RATIO_LIMITS
        axis.plot([low, high], [low, high], color="0.6", lw=0.6)
        axis.set_xlim(low, high)
        axis.set_ylim(low, high)
        axis.set_aspect("equal")
        plain_numbers(axis.xaxis, axis.yaxis)
        axis.set_xlabel(f"raw Q$_{{{plane}}}$/Q$_{{{collection}}}$")
        axis.set_ylabel(f"denoised Q$_{{{plane}}}$/Q$_{{{collection}}}$")
        axis.set_title("\n".join([f"plane {plane}, denoised over raw:", *heads]), loc="left", fontsize=8)
    legend_below(figure, axes[0])
    for handle in (h for legend in figure.legends for h in legend.legend_handles):
        handle.set(markersize=5, markeredgewidth=1, alpha=1)
    figure.suptitle(title)
    return figure


def _positive_ratios(raw: np.ndarray, raw_x: np.ndarray, denoised: np.ndarray, denoised_x: np.ndarray) -> np.ndarray:
    """Return raw and denoised ratios of the points where all charges are positive, float64 (2, points)."""
    kept = (raw > 0) & (raw_x > 0) & (denoised > 0) & (denoised_x > 0)
    return np.stack([raw[kept] / raw_x[kept], denoised[kept] / denoised_x[kept]])


FIGURE = Figure(
    name="crossings",
    head="Charge of one point in three planes",
    table="crossings",
    draw=draw_crossings,
    caption="Points where a wire of each plane crosses the others and all three carry an isolated pulse at one time: "
    "deconvolved charge of induction over collection, before and after. It depends on the direction of the track and must "
    "not change. Above: median and half the central 68 % of its change. No truth is used.",
    order=160,
)
