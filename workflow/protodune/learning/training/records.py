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
    """One line of history.tsv: mean squared errors of the waveforms in ADC^2 (NaN without that output), cross entropies
    of the regions (likewise), and the loss by which the best epoch is chosen.  ``data_s`` and ``communication_s``: of the
    seconds of training, those in which rank 0 read patches and waited for the other ranks; ``joules`` of all nodes, NaN
    where they do not tell."""

    epoch: int
    learning_rate: float
    train_mse: float
    val_mse: float
    train_roi: float
    val_roi: float
    val_loss: float
    seconds: float
    mpixel_per_s: float
    data_s: float = 0.0
    communication_s: float = 0.0
    joules: float = math.nan


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
    """Where in an epoch the training is: steps done, sums of the two losses over them, seconds and joules they took."""

    step: int = 0
    sums: torch.Tensor = field(default_factory=lambda: torch.zeros(2, dtype=torch.float64))
    seconds: float = 0.0
    joules: float = 0.0
