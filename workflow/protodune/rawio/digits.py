"""Bring digits of any order and length into one array: channels ascending, one row a channel."""

from __future__ import annotations

import numpy as np

from protodune.errors import ProtoduneError


def stack_digits(
    channel: np.ndarray, waveforms: np.ndarray | list[np.ndarray], where: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort digits by channel and stack them.

    ``channel`` (n,); ``waveforms`` (n, ticks) int16 or a list of n int16 arrays of differing length.  Returns the sorting
    order (n,), the array (n, ticks) int16 in that order and the number of samples a row (n,).  ``ticks`` is the longest
    length; shorter rows are filled with their last sample.  A channel that occurs twice is an error.
    """
    order = np.argsort(channel, kind="stable")
    ordered = channel[order]
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if twice.size:
        raise ProtoduneError(f"{where}: channel {twice[0]} occurs more than once; expected each channel once an event")
    if isinstance(waveforms, np.ndarray):
        lengths = np.full(len(order), waveforms.shape[1], dtype=np.int64)
        in_order = bool(np.all(order == np.arange(len(order))))
        return order, waveforms if in_order else waveforms[order], lengths
    lengths = np.array([len(waveforms[i]) for i in order], dtype=np.int64)
    stacked = np.zeros((len(order), int(lengths.max(initial=0))), dtype=np.int16)
    for row, i in enumerate(order):
        samples = waveforms[i]
        stacked[row, : len(samples)] = samples
        if len(samples):
            stacked[row, len(samples) :] = samples[-1]
    return order, stacked, lengths
