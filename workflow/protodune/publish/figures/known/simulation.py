"""The acceptance checks of the simulation as one page of plots."""

from __future__ import annotations

from matplotlib import pyplot as plt

from protodune.publish.figures.lines import say_nothing
from protodune.publish.figures.spec import Figure, Rows
from protodune.publish.figures.style import COLOURS

_AXES = {
    "noise spectrum": ("frequency [kHz]", "mean DFT amplitude [mV]", False),
    "peak against drift": ("drift distance [mm]", "peak of isochronous tracks [ADC]", False),
    "peak against theta_xz": ("θxz [deg]", "peak of minimum ionising tracks [ADC]", False),
    "attenuation": ("drift time [µs]", "collected charge [ADC tick]", True),
    "pulse width": ("drift time [µs]", "variance of the pulse [µs²]", False),
}


def draw_simulation(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw the points of all checks: symbols what was found, lines what is expected, one panel per figure name."""
    names = list(dict.fromkeys(p["figure"] for p in rows))
    lines = max(-(-len(names) // 2), 1)
    figure, axes = plt.subplots(lines, 2, figsize=(9.0, 3.1 * lines + 0.3), squeeze=False)
    figure.suptitle(title)
    for axis in axes.ravel()[len(names) :]:
        if names:
            axis.remove()
        else:
            say_nothing(axis)
    for axis, name in zip(axes.ravel(), names, strict=False):
        here = [p for p in rows if p["figure"] == name]
        x_label, y_label, log = _AXES.get(name, ("noise rms per channel [ADC]", "channels", False))
        for colour, series in zip(COLOURS, dict.fromkeys(p["series"] for p in here), strict=False):
            part = [p for p in here if p["series"] == series]
            x, found = [float(p["x"]) for p in part], [float(p["found"]) for p in part]
            expected = [float(p["expected"]) for p in part]
            if name not in _AXES:
                axis.step(x, found, where="mid", color=colour, label=series)
                continue
            axis.plot(x, found, "o", ms=3, color=colour, label=series)
            if expected[0] == expected[0]:  # not NaN
                axis.plot(x, expected, "-", lw=1, color=colour)
            else:
                axis.plot(x, found, ":", lw=1, color=colour)
        if log:
            axis.set_yscale("log")
        axis.set_xlabel(x_label)
        axis.set_ylabel(y_label)
        axis.set_title(name, loc="left")
        axis.legend(ncols=2 if len(axis.lines) > 8 else 1)
    return figure


FIGURE = Figure(
    name="simulation",
    head="Acceptance checks of the simulation",
    table="simulation",
    draw=draw_simulation,
    caption="Acceptance checks of the simulation: symbols as simulated, full lines as expected, for the peaks the full "
    "Garfield calculation.",
    order=220,
    compares=False,
)
