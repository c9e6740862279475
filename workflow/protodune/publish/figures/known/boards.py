"""Correlation of front-end boards before and after."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from protodune.publish.figures.before_after import rows_of
from protodune.publish.figures.lines import in_order, say_nothing
from protodune.publish.figures.spec import Figure, Rows


def draw_boards(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw how the channels of the front-end boards are correlated: raw, denoised and removed by each method, one line of
    panels per plane."""
    planes, order = in_order(rows, "plane"), in_order(rows)
    columns = [("raw", order[0], "raw")] if order else []
    columns += [(f"{m}, {name}", m, name) for m in order for name in ("denoised", "removed")]
    shape = (max(len(planes), 1), max(len(columns), 1))
    figure, axes = plt.subplots(*shape, figsize=(2.6 * shape[1] + 0.8, 2.7 * shape[0] + 0.5), squeeze=False)
    drawn = None
    for line, plane in zip(axes, planes, strict=False):
        for axis, (head, method, name) in zip(line, columns, strict=True):
            part = rows_of(rows, "board_correlation", plane, method)
            size = 1 + max((int(float(r["x"])) for r in part), default=0)
            matrix = np.full((size, size), np.nan)
            for r in part:
                matrix[int(float(r["x"])), int(float(r["y"]))] = float(r[name])
            drawn = axis.imshow(matrix, vmin=-1, vmax=1, cmap="RdBu_r", origin="lower")
            if not np.isfinite(matrix).any():
                say_nothing(axis, "nothing left")
            axis.set_title(head, fontsize=8)
            axis.set_xlabel("board of the plane")
        line[0].set_ylabel(f"plane {plane}: board")
    if drawn is None:
        say_nothing(axes[0, 0])
    else:
        figure.colorbar(drawn, ax=axes, label="mean correlation of two channels", shrink=0.7)
    figure.suptitle(title)
    return figure


FIGURE = Figure(
    name="boards",
    head="Correlation of front-end boards, quiet values",
    table="noise",
    draw=draw_boards,
    caption="Mean correlation of the channels of two front-end boards, raw, denoised, and of what was removed; a channel "
    "with itself is left out. Quiet values: farther than 20 ticks from any above five times the noise of the channel.",
    order=140,
)
