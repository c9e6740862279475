"""Training curves."""

from __future__ import annotations

import itertools

from matplotlib import pyplot as plt

from protodune.publish.figures.style import COLOURS, plain_numbers

_ERRORS = {"mse": "mean squared error [ADC²]", "roi": "cross entropy of regions"}


def draw_training(histories: dict[str, list[dict[str, str]]], title: str) -> plt.Figure:
    """Draw training and validation error against the epoch, for one history (rows of history.tsv) a network; one panel for
    waveforms and one for regions, where a network makes them."""
    having = {e: [n for n, rows in histories.items() if rows[0][f"val_{e}"] != "nan"] for e in _ERRORS}
    panels = [error for error, names in having.items() if names]
    figure, axes = plt.subplots(1, len(panels), figsize=(1 + 4.0 * len(panels), 3.4), squeeze=False)
    colours = dict(zip(histories, itertools.cycle(COLOURS), strict=False))
    for axis, error in zip(axes[0], panels, strict=True):
        for name in having[error]:
            epochs = [int(r["epoch"]) for r in histories[name]]
            for kind, style in {"train": {"ls": ":", "marker": "."}, "val": {"marker": "o", "ms": 4}}.items():
                values = [float(r[f"{kind}_{error}"]) for r in histories[name]]
                label = f"{name}, {'training' if kind == 'train' else 'validation'}"
                axis.plot(epochs, values, color=colours[name], label=label, **style)
        axis.set_yscale("log")
        plain_numbers(axis.yaxis)
        axis.set_xlabel("epoch")
        axis.set_ylabel(_ERRORS[error])
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend()
    figure.suptitle(title)
    return figure
