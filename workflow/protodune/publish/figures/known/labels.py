"""Region selectors by the threshold of the label."""

from __future__ import annotations

from matplotlib import pyplot as plt

from protodune.measure.known.labels import MEASURE
from protodune.measure.spec import Metric
from protodune.publish.figures.lines import panels_by_bin
from protodune.publish.figures.spec import Figure, Rows
from protodune.publish.figures.style import plain_numbers

_SPECIFICITY = MEASURE.metric("specificity_by_label")


def draw_labels(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw sensitivity, and one minus specificity, of the regions against the threshold of the label."""
    others = Metric(_SPECIFICITY.name, f"1 − {_SPECIFICITY.head}", _SPECIFICITY.unit)
    wanted = [(MEASURE.metric("sensitivity_by_label"), "signal pixels found"), (others, "others taken for signal")]
    flipped = [r | {"value": str(1 - float(r["value"]))} if r["metric"] == _SPECIFICITY.name else r for r in rows]
    figure = panels_by_bin(flipped, networks, title, wanted, "label: |truth| above [ADC]")
    figure.axes[0].set_ylim(0, 1.02)
    if figure.axes[1].lines:
        figure.axes[1].set_yscale("log")
        plain_numbers(figure.axes[1].yaxis)
    return figure


FIGURE = Figure(
    name="labels",
    head="Regions of interest by label",
    table="details",
    draw=draw_labels,
    caption="Region selectors at their own threshold, by the threshold of the label |truth|: sensitivity, and what is "
    "wrongly taken for signal. Bars: standard errors over events (none for a single event).",
    order=120,
)
