"""Densities of denoised minus truth in background and in signal pixels."""

from __future__ import annotations

from matplotlib import pyplot as plt

from protodune.measure.known.distributions import MEASURE
from protodune.publish.figures.lines import panels_by_bin
from protodune.publish.figures.spec import Figure, Rows

LEAST_DENSITY = 1e-6


def draw_residuals(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw the densities, logarithmic, one panel for background and one for signal."""
    wanted = [
        (MEASURE.metric("residual_background"), "background"),
        (MEASURE.metric("residual_signal"), "signal"),
    ]
    figure = panels_by_bin(rows, networks, title, wanted, "denoised − truth [ADC]", bars=False)
    for axis in figure.axes:
        if axis.lines:
            axis.set_yscale("log")
            axis.set_ylim(bottom=LEAST_DENSITY)
    return figure


FIGURE = Figure(
    name="residuals",
    head="Errors of waveforms",
    table="details",
    draw=draw_residuals,
    caption="Denoised minus noise-free values of background and of signal, |truth| below and from 3.5 ADC on (in ADC of the "
    "gain of ProtoDUNE-SP).",
    order=60,
)
