"""Curves of the region selectors."""

from __future__ import annotations

import math

from matplotlib import pyplot as plt

from protodune.publish.figures.style import COLOURS


def draw_regions(points: list[dict[str, str]], areas: list[dict[str, str]], networks: set[str], title: str) -> plt.Figure:
    """Draw ROC (left) and purity against efficiency (right) of every method; networks in full lines.

    ``points``: rows of method, threshold, sensitivity, specificity, purity; ``areas``: rows of method, auc, error.  A method
    whose score has two values only is one point.
    """
    figure, (roc, precision) = plt.subplots(1, 2, figsize=(8.6, 3.8))
    for number, area in enumerate(areas):
        method, colour = area["method"], COLOURS[number % len(COLOURS)]
        part = [r for r in points if r["method"] == method]
        rates = [tuple(float(r[k]) for k in ("sensitivity", "specificity", "purity")) for r in part[1:-1]]
        error = f" ± {float(area['error']):.1g}" if math.isfinite(float(area["error"])) else ""
        label = f"{method}, area {float(area['auc']):.4f}{error}"
        yes_or_no = len(set(rates)) == 1
        style = {"color": colour, "ls": "-" if method in networks else "--"} | (
            {"marker": "o", "ls": ""} if yes_or_no else {}
        )
        # The table's six digits tell 1 - specificity to 1e-6; below ten times that the curve would be steps of rounding.
        shown = [(1 - s, e) for e, s, _ in rates if 1 - s > 1e-5]
        roc.plot([x for x, _ in shown], [e for _, e in shown], label=label, **style)
        precision.plot([e for e, _, _ in rates], [p for _, _, p in rates], **style)
    roc.set_xscale("log")
    roc.set_xlabel("1 - specificity")
    roc.set_ylabel("sensitivity (efficiency)")
    precision.set_xlabel("efficiency")
    precision.set_ylabel("purity")
    for axis in (roc, precision):
        axis.set_ylim(0, 1.02)
    precision.set_xlim(0, 1.02)
    if areas:
        figure.legend(*roc.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8)
    figure.suptitle(title)
    return figure
