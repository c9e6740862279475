"""What is recovered of signals that were added to a recording."""

from __future__ import annotations

from matplotlib import pyplot as plt

from protodune.measure.injection import METRICS
from protodune.publish.figures.known.charge import BIAS, RESOLUTION, charge_panels
from protodune.publish.figures.spec import Figure, Rows


def draw_injection(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw bias and resolution of the charge of added regions, and where there are selectors the efficiency before them."""
    wanted = [(BIAS, "bias"), (RESOLUTION, "resolution")]
    efficiency = METRICS["efficiency_by_charge"]
    if any(r["metric"] == efficiency.name for r in rows):
        wanted.insert(0, (efficiency, "efficiency"))
    return charge_panels(rows, networks, title, wanted)


FIGURE = Figure(
    name="injection",
    head="Signals added to the recording",
    table="injection",
    draw=draw_injection,
    caption="Simulated signals without noise added to a recording: regions found, and charge of the difference to what "
    "the method made of the recording alone. Regions that touch a recorded signal do not count. Bars: standard errors "
    "over events (none for a single event).",
    order=170,
)
