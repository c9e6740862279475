"""What a training knows of itself: a line for every epoch, where in an epoch it is, what its time went into."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch


@dataclass
class EpochRecord:
    """One line of history.tsv.

    ``train`` and ``val``: for each output the loss that the task reports; ``val_loss``: the weighted sum by which the best
    epoch is chosen.  ``data_s`` and ``communication_s``: of the seconds of training, those in which rank 0 read patches and
    waited for the other ranks; ``joules`` of all nodes, NaN where they do not tell.
    """

    epoch: int
    learning_rate: float
    train: dict[str, float]
    val: dict[str, float]
    val_loss: float
    seconds: float
    mpixel_per_s: float
    data_s: float = 0.0
    communication_s: float = 0.0
    joules: float = math.nan

    def columns(self) -> dict[str, float]:
        """Return the line by column: ``train_OUTPUT`` and ``val_OUTPUT`` for each output."""
        found: dict[str, float] = {}
        for name, value in vars(self).items():
            if name == "train":
                for output in value:
                    found |= {f"train_{output}": value[output], f"val_{output}": self.val[output]}
            elif name != "val":
                found[name] = value
        return found


def history_table(history: list[EpochRecord]) -> str:
    """Return the history as tab-separated text."""
    rows = [record.columns() for record in history]
    lines = ["\t".join(rows[0])]
    lines += ["\t".join(f"{value:.6g}" for value in row.values()) for row in rows]
    return "\n".join(lines) + "\n"


@dataclass
class Stopwatch:
    """Seconds by what they were spent on."""

    seconds: dict[str, float] = field(default_factory=lambda: {"data": 0.0, "communication": 0.0})

    @contextlib.contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Count the time inside."""
        started = time.perf_counter()
        yield
        self.seconds[what] += time.perf_counter() - started


@dataclass
class Progress:
    """Where in an epoch the training is: sums of the reported losses over the steps done (float64, one per output), how many
    steps these are, the seconds and joules that they took."""

    sums: torch.Tensor
    step: int = 0
    seconds: float = 0.0
    joules: float = 0.0
