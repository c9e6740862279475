"""Bias and resolution of charge in electrons by the angle of the track."""

from __future__ import annotations

from matplotlib import pyplot as plt

from protodune.measure.known.electrons_by_angle import MEASURE
from protodune.publish.figures.lines import panels_by_bin, zero_line
from protodune.publish.figures.spec import Figure, Rows

WANTED = [
    (MEASURE.metric("electron_bias_by_angle"), "regions, bias"),
    (MEASURE.metric("electron_resolution_by_angle"), "regions, resolution"),
    (MEASURE.metric("segment_bias_by_angle"), "segments of eight wires, bias"),
]


def draw_electrons(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw what is found of the charge of single tracks against their angle theta_xz."""
    figure = panels_by_bin(rows, networks, title, WANTED, r"$\theta_{xz}$ [deg]")
    for axis, (metric, _) in zip(figure.axes, WANTED, strict=True):
        low, high = axis.get_ylim()
        if "bias" in metric.name:
            zero_line(axis)
            axis.set_ylim(max(low, -1), min(high, 0.5))
        else:
            axis.set_ylim(0, min(high, 0.6))
    return figure


FIGURE = Figure(
    name="electrons",
    head="Electrons by angle",
    table="details",
    draw=draw_electrons,
    caption="Charge of true regions that one track left, in electrons, and of its segments on eight neighbouring wires: "
    "median and half the central 68 % of the relative error, by theta_xz of the track in the plane. Bins with fewer than "
    "ten regions per image are left out. Bars: standard errors over events (none for a single event).",
    order=85,
)
