"""Regions of interest: contiguous ticks of a channel."""

from __future__ import annotations

import numpy as np


def runs(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the runs of true ticks of a mask, bool (channels, ticks): row, first tick and one past the last, ascending."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).view(np.int8), axis=1)
    row, begin = np.nonzero(edges == 1)
    return row, begin, np.nonzero(edges == -1)[1]


def from_runs(row: np.ndarray, begin: np.ndarray, end: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the mask, bool ``shape``, of runs that may overlap and may reach beyond the ends; inverse of ``runs``."""
    edges = np.zeros((shape[0], shape[1] + 1), np.int32)
    np.add.at(edges, (row, np.clip(begin, 0, shape[1])), 1)
    np.add.at(edges, (row, np.clip(end, 0, shape[1])), -1)
    return np.cumsum(edges, axis=1)[:, :-1] > 0
