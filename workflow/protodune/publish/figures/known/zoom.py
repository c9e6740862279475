"""Two small windows of a plane: the longest signal of a channel, and the most charge."""

from __future__ import annotations

from protodune.publish.figures.images import draw_windows
from protodune.publish.figures.spec import Figure

FIGURE = Figure(
    name="zoom",
    head="Zooms",
    table="events",
    draw=draw_windows,
    caption="The longest signal of a channel, and the window with the most charge. Colours saturate at the ends of their "
    "scale.",
    order=30,
)
