"""The busiest part of a plane: raw, denoised, truth and difference."""

from __future__ import annotations

from protodune.publish.figures.images import draw_windows
from protodune.publish.figures.spec import Figure

FIGURE = Figure(
    name="display",
    head="Event display",
    table="events",
    draw=draw_windows,
    caption="Event display of the busiest 1600 ticks: raw, denoised, noise-free, and the difference of the two. Bad "
    "channels stay zero, and colours saturate at the ends of their scale. Of planes that look both ways, the half that "
    "faces the drift volume is shown.",
    order=20,
)
