"""Curves of the region selectors."""

from __future__ import annotations

import math

from matplotlib import pyplot as plt

from protodune.publish.figures.lines import in_order, say_nothing
from protodune.publish.figures.spec import Figure, Rows
from protodune.publish.figures.style import COLOURS

_LEAST_FALSE = 1e-5


def with_areas(rows: Rows) -> Rows:
    """Return the points of the curves, each with the area of its method; ``rows``: both tables of the stage 'curves'."""
    key = lambda r: tuple(r.get(c, "") for c in ("detector", "step", "method"))  # noqa: E731
    areas = {key(r): r for r in rows if "auc" in r}
    return [r | {"auc": areas[key(r)]["auc"], "error": areas[key(r)]["error"]} for r in rows if "threshold" in r]


def draw_regions(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw ROC (left) and purity against efficiency (right) of every method; networks in full lines.

    A method whose score has two values only is one point.
    """
    figure, (roc, precision) = plt.subplots(1, 2, figsize=(8.6, 3.8))
    for number, method in enumerate(in_order(rows)):
        part, colour = [r for r in rows if r["method"] == method], COLOURS[number % len(COLOURS)]
        rates = [tuple(float(r[k]) for k in ("sensitivity", "specificity", "purity")) for r in part[1:-1]]
        error = f" ± {float(part[0]['error']):.1g}" if math.isfinite(float(part[0]["error"])) else ""
        label = f"{method}, area {float(part[0]['auc']):.4f}{error}"
        yes_or_no = len(set(rates)) == 1
        style = {"color": colour, "ls": "-" if method in networks else "--"} | (
            {"marker": "o", "ls": ""} if yes_or_no else {}
        )
        # The table's six digits tell 1 - specificity to 1e-6; below ten times that the curve would be steps of rounding.
        shown = [(1 - s, e) for e, s, _ in rates if 1 - s > _LEAST_FALSE]
        roc.plot([x for x, _ in shown], [e for _, e in shown], label=label, **style)
        precision.plot([e for e, _, _ in rates], [p for _, _, p in rates], **style)
    roc.set_xscale("log")
    roc.set_xlabel("1 − specificity")
    roc.set_ylabel("sensitivity (efficiency)")
    precision.set_xlabel("efficiency")
    precision.set_ylabel("purity")
    for axis in (roc, precision):
        axis.set_ylim(0, 1.02)
        if not rows:
            say_nothing(axis)
    precision.set_xlim(0, 1.02)
    if rows:
        figure.legend(*roc.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8)
    figure.suptitle(title)
    return figure


FIGURE = Figure(
    name="regions",
    head="Regions of interest",
    table="curves",
    draw=draw_regions,
    caption="Region selectors, pixels of one channel and ten ticks: sensitivity against 1 − specificity, and purity "
    "against efficiency, as the threshold of the score varies; methods that only say yes or no are points. Regions: "
    "pixels of ten ticks with more than 100 electrons per tick on average. Areas with errors by bootstrap over events.",
    order=110,
    prepare=with_areas,
    compares=False,
)
