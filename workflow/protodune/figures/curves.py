"""Training curves."""

from __future__ import annotations

from matplotlib import pyplot as plt

from protodune.figures.style import COLOURS


def draw_training(histories: dict[str, list[dict[str, str]]], title: str) -> plt.Figure:
    """Draw training and validation error against the epoch, for one history (rows of history.tsv) a network."""
    figure, axis = plt.subplots(figsize=(5.0, 3.4))
    shown = {name: rows for name, rows in histories.items() if rows[0]["val_mse"] != "nan"}  # region selectors have none
    for colour, (name, rows) in zip(COLOURS * len(histories), shown.items(), strict=False):
        epochs = [int(r["epoch"]) for r in rows]
        axis.plot(epochs, [float(r["train_mse"]) for r in rows], color=colour, ls=":", marker=".", label=f"{name}, training")
        axis.plot(epochs, [float(r["val_mse"]) for r in rows], color=colour, marker="o", ms=4, label=f"{name}, validation")
    axis.set_yscale("log")
    axis.set_xlabel("epoch")
    axis.set_ylabel("mean squared error [ADC²]")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set_title(title)
    axis.legend()
    return figure
