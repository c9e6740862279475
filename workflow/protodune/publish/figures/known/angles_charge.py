"""Charge and amplitude of prolonged tracks by their angle."""

from __future__ import annotations

from matplotlib import pyplot as plt

from protodune.measure.known import charge, waveforms
from protodune.publish.figures.known.angles import angle_panels, chosen
from protodune.publish.figures.spec import Figure, Rows

METRICS = [
    charge.MEASURE.metric("charge_bias"),
    charge.MEASURE.metric("charge_resolution"),
    waveforms.MEASURE.metric("signal_bias"),
]


def draw_angles_charge(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw biases and resolution against the angle."""
    return angle_panels(rows, networks, title, METRICS, shares=False)


FIGURE = Figure(
    name="angles_charge",
    head="Charge of prolonged tracks",
    table="angles",
    draw=draw_angles_charge,
    caption="Charge and amplitude of ideal tracks against their angle in the plane of drift and pitch; 0 is parallel to "
    "the wire planes, 90 along the drift. Bars: standard errors over events (none for a single event).",
    order=100,
    prepare=lambda rows: chosen(rows, METRICS),
)
