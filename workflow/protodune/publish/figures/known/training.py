"""Training curves."""

from __future__ import annotations

import itertools
import math

from matplotlib import pyplot as plt

from protodune.core.errors import ProtoduneError
from protodune.publish.figures.lines import in_order, legend_below, say_nothing
from protodune.publish.figures.spec import Figure, Rows
from protodune.publish.figures.style import COLOURS, plain_numbers
from protodune.tasks.spec import find_task, task_names

_WORDS = {"mse": "mean squared error"}
_KINDS = {"train": ("training", {"ls": ":", "marker": "."}), "val": ("validation", {"marker": "o", "ms": 4})}


def outputs_of(rows: Rows) -> list[str]:
    """Return the outputs whose errors histories hold, in the order of their columns."""
    columns = dict.fromkeys(c for r in rows for c in r)
    return [c.removeprefix("val_") for c in columns if c.startswith("val_") and c != "val_loss"]


def error_label(output: str) -> str:
    """Return the loss that the tasks report of an output, with its unit; the output's name if no task of ours has it."""
    for task in map(find_task, task_names()):
        if output in task.losses:
            loss = task.losses[output]
            words = _WORDS.get(loss.reports, loss.reports.replace("_", " "))
            return f"{output}: {words}{f' [{loss.unit}]' if loss.unit else ''}"
    return f"error of {output}"


def draw_training(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw training and validation error against the epoch, one panel per output and one colour per network (``method``)."""
    if rows and not outputs_of(rows):
        raise ProtoduneError(
            f"figure 'training': found the columns {', '.join(rows[0])}, expected val_OUTPUT of an output; give the "
            "history.tsv of a training"
        )
    value = lambda r, column: float(r.get(column) or "nan")  # noqa: E731
    panels = [o for o in outputs_of(rows) if any(math.isfinite(value(r, f"val_{o}")) for r in rows)]
    figure, axes = plt.subplots(1, max(len(panels), 1), figsize=(1 + 4.0 * max(len(panels), 1), 3.6), squeeze=False)
    colours = dict(zip(in_order(rows), itertools.cycle(COLOURS), strict=False))
    for axis, output in zip(axes[0], panels, strict=False):
        for name, colour in colours.items():
            part = [r for r in rows if r["method"] == name and math.isfinite(value(r, f"val_{output}"))]
            for kind, (words, style) in _KINDS.items():
                values = [value(r, f"{kind}_{output}") for r in part]
                if part:
                    axis.plot([int(r["epoch"]) for r in part], values, color=colour, label=f"{name}, {words}", **style)
        axis.set_yscale("log")
        plain_numbers(axis.yaxis)
        axis.set_xlabel("epoch")
        axis.set_ylabel(error_label(output))
        axis.xaxis.get_major_locator().set_params(integer=True)
    if not panels:
        say_nothing(axes[0, 0])
    legend_below(figure, axes[0], 2)
    figure.suptitle(title)
    return figure


FIGURE = Figure(
    name="training",
    head="Training",
    table="training",
    draw=draw_training,
    caption="Errors of each output by epoch, on training patches (dotted; rich in signal) and on tiles of whole "
    "validation planes (solid).",
    order=180,
    compares=False,
)
