"""Event displays: raw, denoised, truth and residual of one plane."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

COLOUR_RANGE_ADC = {"induction": (-20.0, 20.0), "collection": (-20.0, 100.0)}
DIFFERENCE_RANGE_ADC = (-20.0, 20.0)


def draw_display(panels: dict[str, np.ndarray], family: str, origin: tuple[int, int], title: str) -> plt.Figure:
    """Draw panels (channels, ticks) in ADC by name, one column each; differences (``a - b``) have a scale of their own.

    Induction and differences are diverging around zero; collection is sequential.  ``origin``: tick and offline channel of
    the first pixel.
    """
    tick, channel = origin
    figure, axes = plt.subplots(1, len(panels), figsize=(2.9 * len(panels) + 0.6, 3.6), sharex=True, sharey=True)
    for axis, (name, image) in zip(np.atleast_1d(axes), panels.items(), strict=True):
        low, high = DIFFERENCE_RANGE_ADC if " - " in name else COLOUR_RANGE_ADC[family]
        drawn = axis.imshow(
            image,
            aspect="auto",
            origin="lower",
            cmap="RdBu_r" if low == -high else "viridis",
            vmin=low,
            vmax=high,
            interpolation="antialiased",
            extent=(tick, tick + image.shape[1], channel, channel + image.shape[0]),
        )
        axis.set_title(name.replace(" - ", " − "))
        axis.set_xlabel("tick (0.5 µs)")
        axis.ticklabel_format(useOffset=False)
        figure.colorbar(drawn, ax=axis, orientation="horizontal", label="ADC", extend="both", aspect=30)
    np.atleast_1d(axes)[0].set_ylabel("offline channel")
    figure.suptitle(title)
    return figure
