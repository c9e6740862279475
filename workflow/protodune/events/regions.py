"""Regions of interest: contiguous ticks of a channel."""

from __future__ import annotations

import numpy as np


def runs(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the runs of true ticks of a mask, bool (channels, ticks): row, first tick and one past the last, ascending."""
    n, ticks = mask.shape
    # One flat array with an empty tick before and after every channel: numpy finds its few changes ten times as fast.
    flat = np.zeros(n * (ticks + 1) + 1, bool)
    flat[1:].reshape(n, ticks + 1)[:, :ticks] = mask
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    row, begin = np.divmod(changes[::2], ticks + 1)
    return row, begin, changes[1::2] - row * (ticks + 1)


def widened(mask: np.ndarray, before: int, after: int) -> np.ndarray:
    """Return a mask, bool (channels, ticks), in which each run begins ``before`` ticks earlier and ends ``after`` later."""
    width = before + after + 1
    found = np.pad(mask, ((0, 0), (after, before)))
    covered = 1  # found[t] tells whether any of so many ticks from t - after on is true
    while covered < width:
        step = min(covered, width - covered)
        found = found[:, :-step] | found[:, step:]
        covered += step
    return found


def from_runs(row: np.ndarray, begin: np.ndarray, end: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the mask, bool ``shape``, of runs that may overlap and may reach beyond the ends; inverse of ``runs``."""
    ticks = shape[1]
    first = np.clip(begin, 0, ticks)
    length = np.maximum(np.clip(end, 0, ticks) - first, 0)
    place = np.arange(length.sum()) + np.repeat(row * ticks + first - (np.cumsum(length) - length), length)
    mask = np.zeros(shape, bool)
    mask.ravel()[place] = True
    return mask
