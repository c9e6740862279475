"""Charge of the regions of single tracks by angle and ionisation."""

from __future__ import annotations

from matplotlib import pyplot as plt

from protodune.measure.known.ionisation import MEASURE
from protodune.publish.figures.lines import in_order, legend_below, lines_by_method, middle, zero_line
from protodune.publish.figures.spec import Figure, Rows

CLASSES = {"mip": "0.7 to 1.4 MIP", "two_mip": "1.4 to 2.4 MIP", "stopping": "above 2.4 MIP"}


def draw_ionisation(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw bias and resolution of the charge of regions of one track against its angle, one column per ionisation."""
    order = in_order(rows)
    figure, axes = plt.subplots(2, len(CLASSES), figsize=(3.6 * len(CLASSES), 5.6), sharex=True, sharey="row", squeeze=False)
    for line, kind in zip(axes, ("charge_bias", "charge_resolution"), strict=True):
        for axis, (name, head) in zip(line, CLASSES.items(), strict=True):
            metric = MEASURE.metric(f"{kind}_{name}")
            lines_by_method(axis, [r for r in rows if r["metric"] == metric.name], networks, order, middle)
            if kind == "charge_bias":
                zero_line(axis)
                axis.set_title(head, loc="left")
            else:
                axis.set_ylim(bottom=0)
                axis.set_xlabel("θ$_{xz}$ [deg]")
                axis.set_xlim(0, 90)
        line[0].set_ylabel(metric.label)
    legend_below(figure, axes.ravel())
    figure.suptitle(title)
    return figure


FIGURE = Figure(
    name="ionisation",
    head="Charge by ionisation and angle",
    table="details",
    draw=draw_ionisation,
    caption="Charge of true regions that one track left, by its angle in the plane of drift and pitch and by the density "
    "of its ionisation: minimum ionising, about twice that, and ends of stopping tracks (true charge over the path below "
    "a wire; 1 MIP: 5040 electrons per mm). Bins with fewer than ten regions per image are left out. Bars: standard "
    "errors over events (none for a single event).",
    order=90,
)
