"""Bring digits of any order and length into one array: channels ascending, one row per channel."""

from __future__ import annotations

import numpy as np

from protodune.core.errors import ProtoduneError
from protodune.rawio.parallel import for_each

_ROWS_TOGETHER = 64
"""Rows that are swapped while they are in the processor's cache."""


def sorting_order(channel: np.ndarray, where: str) -> np.ndarray:
    """Return the order (n,) that sorts digits by channel; a channel that occurs twice is an error."""
    order = np.argsort(channel, kind="stable")
    ordered = channel[order]
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if twice.size:
        raise ProtoduneError(f"{where}: channel {twice[0]} occurs more than once; expected each channel once per event")
    return order


def stack_digits(
    waveforms: np.ndarray | list[np.ndarray], order: np.ndarray, threads: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Stack waveforms in the given order.

    ``waveforms`` (n, ticks) int16 of any byte order, or a list of n int16 arrays of differing length.  Returns the native
    int16 array (n, ticks) and the number of ticks of each row (n,).  ``ticks`` is the longest length; shorter rows are
    filled with their last value.  Of a two-dimensional input one copy is made, by several threads where asked for.
    """
    if isinstance(waveforms, np.ndarray):
        lengths = np.full(len(order), waveforms.shape[1], dtype=np.int64)
        stacked = np.empty(waveforms.shape, np.int16)

        def fill(start: int) -> None:
            rows = slice(start, start + _ROWS_TOGETHER)
            stacked[rows] = waveforms[order[rows]]

        for_each(fill, range(0, len(order), _ROWS_TOGETHER), threads)
        return stacked, lengths
    lengths = np.array([len(waveforms[i]) for i in order], dtype=np.int64)
    stacked = np.zeros((len(order), int(lengths.max(initial=0))), dtype=np.int16)
    for row, i in enumerate(order):
        values = waveforms[i]
        stacked[row, : len(values)] = values
        if len(values):
            stacked[row, len(values) :] = values[-1]
    return stacked, lengths
