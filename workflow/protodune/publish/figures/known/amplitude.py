"""Bias and rms of the error of signal pixels by true amplitude."""

from __future__ import annotations

from matplotlib import pyplot as plt

from protodune.measure.known.distributions import MEASURE
from protodune.publish.figures.lines import panels_by_bin, zero_line
from protodune.publish.figures.spec import Figure, Rows


def draw_amplitude(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw bias and rms of the error of signal pixels against the true amplitude."""
    wanted = [(MEASURE.metric("amplitude_bias"), "bias"), (MEASURE.metric("amplitude_rms"), "rms")]
    figure = panels_by_bin(rows, networks, title, wanted, "|truth| [ADC]", log_x=True)
    zero_line(figure.axes[0])
    figure.axes[1].set_ylim(bottom=0)
    return figure


FIGURE = Figure(
    name="amplitude",
    head="Errors of signal by amplitude",
    table="details",
    draw=draw_amplitude,
    caption="Mean and rms of the error of values by their true size; the mean is negative where amplitude is lost. Bars: "
    "standard errors over events (none for a single event).",
    order=70,
)
