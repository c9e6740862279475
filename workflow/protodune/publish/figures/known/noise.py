"""Noise of every channel before and after."""

from __future__ import annotations

import math

import numpy as np
from matplotlib import pyplot as plt

from protodune.publish.figures.before_after import compared_images, rows_of
from protodune.publish.figures.lines import in_order, legend_below, say_nothing
from protodune.publish.figures.spec import Figure, Rows
from protodune.publish.figures.style import COLOURS, RAW_COLOUR

STEP_ADC, MOST_BINS = 0.5, 60
"""Quantiles of whole numbers lie on multiples of this; bins of other widths would show a comb."""
LEAST_AMPLITUDE_ADC = 1e-4
"""Where spectra of empty images are drawn: a logarithm of nothing is none."""


def bins_of_noise(top: float) -> np.ndarray:
    """Return the edges of at most 60 bins from 0 to ``top`` ADC, whole steps wide and with steps in their middle."""
    width = STEP_ADC * max(1, math.ceil(top / STEP_ADC / MOST_BINS))
    return np.arange(-STEP_ADC / 2, top + width, width)


def draw_noise(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw the noise of every channel before and after, its distribution, and its spectrum; one line of panels per plane."""
    planes, order = in_order(rows, "plane"), in_order(rows)
    figure, axes = plt.subplots(max(len(planes), 1), 3, figsize=(12, 3.1 * max(len(planes), 1) + 0.4), squeeze=False)
    for line, plane in zip(axes, planes, strict=False):
        for number, (name, value) in enumerate(compared_images(order)):
            colour = RAW_COLOUR if name == "raw" else COLOURS[number - 1]
            ls = "-" if name == "raw" or name in networks else "--"
            rms = rows_of(rows, "noise_rms", plane, order[0] if name == "raw" else name)
            line[0].plot([float(r["x"]) for r in rms], [value(r) for r in rms], ".", ms=2, color=colour, label=name)
            top = max(float(np.quantile([float(r["raw"]) for r in rms], 0.99)), 1e-3) * 1.2
            shown, bins = np.clip([value(r) for r in rms], 0, top), bins_of_noise(top)
            line[1].hist(shown, bins=bins, histtype="step", color=colour, ls=ls, label=name)
            spectrum = rows_of(rows, "spectrum", plane, order[0] if name == "raw" else name)
            amplitude = [max(value(r), LEAST_AMPLITUDE_ADC) for r in spectrum]
            line[2].plot([float(r["x"]) for r in spectrum], amplitude, color=colour, ls=ls, lw=1.2, label=name)
            line[0].set_ylim(-0.02 * top, top)
        line[1].set_yscale("log")
        line[2].set_yscale("log")
        for axis, x, y in zip(line, ("offline channel", "noise rms per channel [ADC]", "frequency [kHz]"),
                              ("noise rms [ADC]", "channels", "amplitude of quiet values [ADC]"), strict=True):  # fmt: skip
            axis.set_xlabel(x)
            axis.set_ylabel(y)
        line[0].ticklabel_format(useOffset=False)
        line[0].set_title(f"plane {plane}", loc="left")
    for axis in axes[0] if not planes else ():
        say_nothing(axis)
    legend_below(figure, [axes[0, 2]])
    figure.suptitle(title)
    return figure


FIGURE = Figure(
    name="noise",
    head="Noise before and after",
    table="noise",
    draw=draw_noise,
    caption="Noise of every channel (half the central 68 % of its values), its distribution, and its spectrum. Quiet "
    "values: farther than 20 ticks from any above five times the noise of the channel.",
    order=130,
)
