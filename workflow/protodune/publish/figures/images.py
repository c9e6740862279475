"""Event displays: images of planes side by side, and boxes over an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

from protodune.detector.model import Plane
from protodune.measure.showcase import Window
from protodune.publish.colours import colour_range
from protodune.publish.figures.style import COLOURS

TRUTH_RANGE_ADC = (0.0, 40.0)
"""Range of colours of what lies below boxes, in ADC of the reference gain."""


def tick_label(tick_us: float) -> str:
    """Return the label of an axis of ticks."""
    return f"tick ({tick_us:g} µs)"


def draw_windows(windows: Sequence[Window], plane: Plane, title: str) -> plt.Figure:
    """Draw one line of panels per window; differences (``a - b``) have a scale of their own.

    Induction and differences are diverging around zero; collection is sequential.
    """
    columns = max(len(window.panels) for window in windows)
    figure, axes = plt.subplots(
        len(windows),
        columns,
        figsize=(2.9 * columns + 0.6, 3.0 * len(windows) + 0.6),
        sharex="row",
        sharey="row",
        squeeze=False,
    )
    for number, window in enumerate(windows, start=1):
        line = axes[number - 1]
        for axis, (name, image) in zip(line, window.panels.items(), strict=True):
            low, high = colour_range(plane, difference=" - " in name)
            drawn = axis.imshow(
                image,
                aspect="auto",
                origin="lower",
                cmap="RdBu_r" if low == -high else "viridis",
                vmin=low,
                vmax=high,
                interpolation="antialiased",
                extent=(window.tick, window.tick + image.shape[1], window.channel, window.channel + image.shape[0]),
            )
            axis.set_title(name.replace(" - ", " − "))
            axis.ticklabel_format(useOffset=False)
            axis.set_xlabel(tick_label(plane.tick_us))
            if number == len(windows):
                figure.colorbar(drawn, ax=axis, orientation="horizontal", label="ADC", extend="both", aspect=30)
        line[0].set_ylabel(f"{window.label}\noffline channel" if window.label else "offline channel")
    figure.suptitle(title)
    return figure


def draw_boxes(truth: np.ndarray, patches: Sequence[dict], plane: Plane, title: str) -> plt.Figure:
    """Draw the patches of a plane as boxes over its truth, float (channels, ticks), those with signal and those without."""
    figure, axis = plt.subplots(figsize=(9, 4.5))
    extent = (0, truth.shape[1], plane.first_channel, plane.first_channel + truth.shape[0])
    low, high = (limit * plane.adc_scale for limit in TRUTH_RANGE_ADC)
    axis.imshow(np.abs(truth), aspect="auto", origin="lower", cmap="Greys", vmin=low, vmax=high, extent=extent)
    for kind, colour, label in ((1, COLOURS[1], "with signal"), (0, COLOURS[0], "without")):
        part = [p for p in patches if p["signal"] == kind]
        boxes = [Rectangle((p["tick"], p["channel"]), p["width"], p["height"]) for p in part]
        axis.add_collection(PatchCollection(boxes, facecolor="none", edgecolor=colour, lw=0.7))
        axis.plot([], [], color=colour, label=f"{len(part)} patches {label}")
    axis.ticklabel_format(useOffset=False)
    axis.set_xlabel(tick_label(plane.tick_us))
    axis.set_ylabel("offline channel")
    figure.legend(loc="outside lower center", ncols=2)
    figure.suptitle(title)
    return figure
