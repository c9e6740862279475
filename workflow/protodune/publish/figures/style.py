"""One look for all figures: sizes for print, colour-blind-safe colours (Okabe and Ito), reproducible files."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axis import Axis
from matplotlib.ticker import LogLocator, NullFormatter

from protodune.core.files import atomic_path

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442"]
RAW_COLOUR = "#BBBBBB"
DPI = 160
LONG_DECADES = 2.5

plt.rcParams.update(
    {
        "axes.grid": False,
        "axes.prop_cycle": plt.cycler(color=COLOURS),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "figure.constrained_layout.use": True,
        "font.size": 9,
        "legend.frameon": False,
        "savefig.dpi": DPI,
        "svg.fonttype": "none",
        "svg.hashsalt": "protodune",
    }
)


def plain_numbers(*sides: Axis) -> None:
    """Write 1, 2 and 5 of each decade at logarithmic axes: powers of ten alone may leave a short one without a number.

    A long one keeps the powers of ten: more would run into each other.  To be called when the data are drawn.
    """
    for side in sides:
        low, high = side.get_view_interval()
        if high > low * 10**LONG_DECADES:
            continue
        side.set_major_locator(LogLocator(subs=(1, 2, 5)))
        side.set_major_formatter("{x:g}")
        side.set_minor_formatter(NullFormatter())


def save_figure(figure: plt.Figure, path: str | Path) -> None:
    """Write ``path`` (.png) and the .svg beside it, without dates, so that equal figures are equal bytes."""
    for suffix, metadata in ((".png", {"Software": None}), (".svg", {"Date": None, "Creator": None})):
        with atomic_path(Path(path).with_suffix(suffix)) as temporary:
            figure.savefig(temporary, metadata=metadata)
    plt.close(figure)
