"""Event displays: raw, denoised, truth and residual of one plane."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

COLOUR_RANGE_ADC = {"induction": (-20.0, 20.0), "collection": (-20.0, 100.0)}
RESIDUAL_RANGE_ADC = (-20.0, 20.0)


def draw_display(panels: dict[str, np.ndarray], family: str, first_channel: int, title: str) -> plt.Figure:
    """Draw panels (channels, ticks) in ADC by name, one column each; ``residual`` has a scale of its own.

    Induction and residual are diverging around zero; collection is sequential.  ``first_channel``: offline channel of row 0.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(2.9 * len(panels) + 0.6, 3.6), sharex=True, sharey=True)
    for axis, (name, image) in zip(np.atleast_1d(axes), panels.items(), strict=True):
        low, high = RESIDUAL_RANGE_ADC if name == "residual" else COLOUR_RANGE_ADC[family]
        drawn = axis.imshow(
            image,
            aspect="auto",
            origin="lower",
            cmap="RdBu_r" if low == -high else "viridis",
            vmin=low,
            vmax=high,
            interpolation="antialiased",
            extent=(0, image.shape[1], first_channel, first_channel + image.shape[0]),
        )
        axis.set_title(name)
        axis.set_xlabel("tick (0.5 µs)")
        axis.ticklabel_format(axis="y", useOffset=False)
        figure.colorbar(drawn, ax=axis, orientation="horizontal", label="ADC", extend="both", aspect=30)
    np.atleast_1d(axes)[0].set_ylabel("offline channel")
    figure.suptitle(title)
    return figure
