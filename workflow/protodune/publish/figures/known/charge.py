"""Bias and resolution of the charge of regions by true charge."""

from __future__ import annotations

from matplotlib import pyplot as plt

from protodune.measure.known.distributions import MEASURE
from protodune.measure.spec import Metric
from protodune.publish.figures.lines import panels_by_bin, zero_line
from protodune.publish.figures.spec import Figure, Rows

BIAS, RESOLUTION = MEASURE.metric("charge_bias_by_charge"), MEASURE.metric("charge_resolution_by_charge")


def draw_charge(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw bias and resolution of the charge of regions against the true charge."""
    return charge_panels(rows, networks, title, [(BIAS, "bias"), (RESOLUTION, "resolution")])


def charge_panels(rows: Rows, networks: set[str], title: str, wanted: list[tuple[Metric, str]]) -> plt.Figure:
    """Draw metrics of regions against the true charge, with limits that leave out what single regions do."""
    figure = panels_by_bin(rows, networks, title, wanted, "Q$_{true}$ [ADC tick]", log_x=True)
    for axis, (metric, _) in zip(figure.axes, wanted, strict=True):
        low, high = axis.get_ylim()
        if metric is BIAS:
            zero_line(axis)
            axis.set_ylim(max(low, -1), min(high, 0.5))
        elif metric is RESOLUTION:
            axis.set_ylim(0, min(high, 0.6))
        else:
            axis.set_ylim(0, 1.05)
    return figure


FIGURE = Figure(
    name="charge",
    head="Charge of regions",
    table="details",
    draw=draw_charge,
    caption="Charge of true regions (area of the waveform; on induction planes area of its absolute value): median and "
    "half the central 68 % of the relative error, by true charge. Bins with fewer than ten regions per image are left "
    "out. Bars: standard errors over events (none for a single event).",
    order=80,
)
