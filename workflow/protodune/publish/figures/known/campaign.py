"""What the data of a campaign are like, by run."""

from __future__ import annotations

from matplotlib import pyplot as plt

from protodune.publish.figures.lines import in_order, legend_below, say_nothing
from protodune.publish.figures.spec import Figure, Rows
from protodune.publish.figures.style import COLOURS

_PANELS = {
    "noise_rms": ("noise rms [ADC]", 1),
    "bad_channels": ("bad channels of a plane", 1),
    "occupancy": ("values in regions [%]", 100),
    "regions_per_event": ("regions per event", 1),
}
_MOST_NAMES = 12
"""So many runs have their names at the axis."""


def draw_campaign(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw each number over the runs, one colour per plane."""
    planes = in_order(rows, "plane")
    runs = list(dict.fromkeys((r["sample"], r["run"]) for r in rows))
    figure, axes = plt.subplots(2, 2, figsize=(10, 6), sharex=True)
    for axis, (name, (label, scale)) in zip(axes.ravel(), _PANELS.items(), strict=True):
        top = 0.0
        for colour, plane in zip(COLOURS, planes, strict=False):
            part = [r for r in rows if r["plane"] == plane and r[name] != ""]
            x = [runs.index((r["sample"], r["run"])) for r in part]
            y = [scale * float(r[name]) for r in part]
            axis.plot(x, y, "o-", ms=3, lw=0.8, color=colour, label=f"plane {plane}", clip_on=False)
            top = max([top, *y])
        axis.set_ylabel(label)
        axis.set_ylim(0, 1.1 * top or 1)
        if not any(r[name] != "" for r in rows):
            say_nothing(axis)
    shown = range(0, len(runs), max(1, -(-len(runs) // _MOST_NAMES)))
    for axis in axes[1]:
        axis.set_xticks(list(shown), [f"{runs[i][0]}\n{runs[i][1]}" for i in shown], fontsize=7)
        axis.set_xlabel("sample and run")
    legend_below(figure, axes.ravel())
    figure.suptitle(title)
    return figure


FIGURE = Figure(
    name="campaign",
    head="Data of the campaign",
    table="campaign",
    draw=draw_campaign,
    caption="What the data are like by run: noise (median over the good channels of a plane, mean over its images), "
    "channels without a usable waveform per plane and image, share of values that are in regions of the "
    "network, regions per event.",
    order=230,
    compares=False,
)
