"""How fast a training becomes with more ranks: speed-up and efficiency, and a model for more ranks than there are.

The model is that of a ring all-reduce (Patarasuk and Yuan 2009): n ranks send 2 (n - 1) messages each, and 2 (n - 1) / n
of the gradient's bytes, so it takes overhead + 2 (n - 1) alpha + 2 (n - 1) / n bytes / beta: alpha seconds per message, beta
bytes per second, and what every operation costs before it begins (Horovod's cycle).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

MODES = ("strong", "weak")
"""The global batch stays, or grows with the ranks."""

DUNEDN_SECONDS = {
    "CNN": {(1, 1): 27.91, (1, 2): 11.71, (1, 3): 10.91, (1, 4): 8.21, (2, 2): 17.8, (2, 4): 7.27, (2, 6): 6.14,
            (2, 8): 4.53, (3, 3): 11.74, (3, 6): 5.28, (3, 12): 3.23},
    "GCNN": {(1, 1): 52.52, (1, 2): 36.12, (1, 3): 43.59, (1, 4): 33.26, (2, 2): 38.47, (2, 4): 22.15, (2, 6): 25.48,
             (2, 8): 19.23, (3, 3): 26.96, (3, 6): 14.63, (3, 12): 13.07},
}  # fmt: skip
"""Seconds of a training epoch by (nodes, processes) that DUNEdn recorded with DDP on Power8 nodes of four V100s each
(N3PDF/denoising, benchmarks/plot_timings.py at 2286a81, December 2020)."""


@dataclass(frozen=True)
class Network:
    """Seconds per message (alpha), bytes per second (beta) and seconds per operation (overhead) between ranks."""

    alpha: float
    beta: float
    overhead: float = 0.0

    def all_reduce(self, ranks: int, size: float) -> float:
        """Return the seconds in which ``ranks`` add up ``size`` bytes; none for one rank."""
        if ranks == 1:
            return 0.0
        return self.overhead + 2 * (ranks - 1) * self.alpha + 2 * (ranks - 1) / ranks * size / self.beta


def fit_network(timings: Sequence[tuple[int, float, float]]) -> Network | None:
    """Return the network that fits (ranks, bytes, seconds) of all-reduces best; None without two ranks anywhere.

    Relative errors are what counts, since a message of one number and a gradient differ by orders of magnitude in time.
    With a single number of ranks the overhead cannot be told from the messages and counts as theirs, which makes many ranks
    look slower than they are.
    """
    several = [(n, size, seconds) for n, size, seconds in timings if n > 1 and seconds > 0]
    if not several:
        return None
    rows = np.array([[2 * (n - 1), 2 * (n - 1) / n * size, 1.0] for n, size, _ in several])
    if len({n for n, *_ in several}) == 1:
        rows = rows[:, :2]
    rows /= np.array([[s] for *_, s in several])
    scale = rows.max(axis=0)
    found = nnls(rows / scale, np.ones(len(rows)))[0] / scale
    alpha, inverse = np.maximum(found[:2], 1e-12)
    return Network(float(alpha), float(1 / inverse), float(found[2]) if len(found) > 2 else 0.0)


def step_seconds(mode: str, ranks: int, one: float, micro_batches: int, size: float, network: Network) -> float:
    """Return the modelled seconds of a step: ``one`` are those of one rank without communication, for ``micro_batches``."""
    share = math.ceil(micro_batches / ranks) / micro_batches if mode == "strong" else 1.0
    return one * share + network.all_reduce(ranks, size)


def speed_up(mode: str, ranks: int, ratio: float) -> float:
    """Return images a second over those of one rank, from the ratio of one rank's step to this; a weak step has ``ranks``
    times as many images."""
    return ratio * (1 if mode == "strong" else ranks)


def rank_counts(offered: int) -> list[int]:
    """Return the numbers of ranks to measure: 1, 2, 3, 4, 6, 8, 12, 16, 24, ... up to what is offered, and that."""
    counts = {n * 2**k for n in (1, 3) for k in range(20)} | {offered}
    return sorted(n for n in counts if n <= offered)


def dunedn_points() -> list[dict]:
    """Return DUNEdn's speed-ups: network, nodes, ranks, speedup, efficiency."""
    return [
        {
            "network": name,
            "nodes": nodes,
            "ranks": ranks,
            "speedup": epochs[1, 1] / s,
            "efficiency": epochs[1, 1] / s / ranks,
        }
        for name, epochs in DUNEDN_SECONDS.items()
        for (nodes, ranks), s in epochs.items()
    ]
