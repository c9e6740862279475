"""Event displays: raw, denoised, truth and residual of one plane."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

from protodune.publish.figures.style import COLOURS

COLOUR_RANGE_ADC = {"induction": (-20.0, 20.0), "collection": (-20.0, 100.0)}
DIFFERENCE_RANGE_ADC = (-20.0, 20.0)


Windows = list[tuple[str, tuple[int, int], dict[str, np.ndarray]]]
"""Lines of panels: a label, tick and offline channel of the first pixel, panels (channels, ticks) in ADC by name."""


def draw_display(windows: Windows, family: str, title: str) -> plt.Figure:
    """Draw one line of panels a window; differences (``a - b``) have a scale of their own.

    Induction and differences are diverging around zero; collection is sequential.
    """
    columns = max(len(panels) for _, _, panels in windows)
    figure, axes = plt.subplots(
        len(windows),
        columns,
        figsize=(2.9 * columns + 0.6, 3.0 * len(windows) + 0.6),
        sharex="row",
        sharey="row",
        squeeze=False,
    )
    for number, (label, (tick, channel), panels) in enumerate(windows, start=1):
        line = axes[number - 1]
        for axis, (name, image) in zip(line, panels.items(), strict=True):
            low, high = DIFFERENCE_RANGE_ADC if " - " in name else COLOUR_RANGE_ADC[family]
            drawn = axis.imshow(
                image,
                aspect="auto",
                origin="lower",
                cmap="RdBu_r" if low == -high else "viridis",
                vmin=low,
                vmax=high,
                interpolation="antialiased",
                extent=(tick, tick + image.shape[1], channel, channel + image.shape[0]),
            )
            axis.set_title(name.replace(" - ", " − "))
            axis.ticklabel_format(useOffset=False)
            axis.set_xlabel("tick (0.5 µs)")
            if number == len(windows):
                figure.colorbar(drawn, ax=axis, orientation="horizontal", label="ADC", extend="both", aspect=30)
        line[0].set_ylabel(f"{label}\noffline channel" if label else "offline channel")
    figure.suptitle(title)
    return figure


def draw_crops(truth: np.ndarray, crops: list[dict], first_channel: int, title: str) -> plt.Figure:
    """Draw the patches of a plane as boxes over its truth (channels, ticks), those with signal and those without."""
    figure, axis = plt.subplots(figsize=(9, 4.5))
    extent = (0, truth.shape[1], first_channel, first_channel + truth.shape[0])
    axis.imshow(np.abs(truth), aspect="auto", origin="lower", cmap="Greys", vmin=0, vmax=40, extent=extent)
    for kind, colour, label in ((1, COLOURS[1], "with signal"), (0, COLOURS[0], "without")):
        part = [c for c in crops if c["signal"] == kind]
        boxes = [Rectangle((c["tick"], c["channel"]), c["width"], c["height"]) for c in part]
        axis.add_collection(PatchCollection(boxes, facecolor="none", edgecolor=colour, lw=0.7))
        axis.plot([], [], color=colour, label=f"{len(part)} patches {label}")
    axis.ticklabel_format(useOffset=False)
    axis.set_xlabel("tick (0.5 µs)")
    axis.set_ylabel("offline channel")
    figure.legend(loc="outside lower center", ncols=2)
    figure.suptitle(title)
    return figure
