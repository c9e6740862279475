"""Training patches over the truth of a plane."""

from __future__ import annotations

from protodune.publish.figures.images import draw_boxes
from protodune.publish.figures.spec import Figure

FIGURE = Figure(
    name="crops",
    head="Training patches",
    table="patches",
    draw=draw_boxes,
    caption="Training patches of one plane over its noise-free waveforms.",
    order=195,
)
