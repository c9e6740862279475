"""The noise of sums of deconvolved charge, which is most of the error of a region's charge.

Noise after the deconvolution is slow: that of a sum grows faster than its length, nearly as a power of it (1.25 on induction
planes, 0.8 on collection planes).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_WINDOWS = (32, 64, 128, 256, 512)
"""Ticks of the windows in which the noise of sums is looked for."""
_LEAST_WINDOWS, _LEAST_OF_CHANNEL = 100, 20
"""Quiet windows without which a length is not measured, and a channel has the noise of its plane."""
_LEAST_ELECTRONS = 0.1


@dataclass(frozen=True)
class SumNoise:
    """Noise of sums over ``ticks`` ticks less the line of the baseline, ``electrons`` float64 (lengths,), rising, of a
    channel whose ``scale``, float (channels,), is 1."""

    ticks: np.ndarray
    electrons: np.ndarray
    scale: np.ndarray

    def of(self, row: np.ndarray, length: np.ndarray) -> np.ndarray:
        """Return the noise of sums over ``length`` ticks of the channels ``row``, electrons, float64 (n,): a power of the
        length between those that are known, and beyond them."""
        x, y = np.log(self.ticks), np.log(self.electrons)
        segment = np.clip(np.searchsorted(x, np.log(length)) - 1, 0, len(x) - 2)
        slope = (y[segment + 1] - y[segment]) / (x[segment + 1] - x[segment])
        return np.exp(y[segment] + slope * (np.log(length) - x[segment])) * self.scale[row]


def quiet_noise(total: np.ndarray, mask: np.ndarray, width: int) -> SumNoise:
    """Return the noise of sums in windows without signal.

    ``total`` float64 (channels, ticks + 1): the sums of all ticks before each; ``mask`` bool (channels, ticks): signal;
    ``width`` ticks to either side tell the baseline.  A channel without noise has the scale 0.  Where less than 100 windows
    of a length are quiet, all count, and signal makes the noise larger than it is.
    """
    covered = np.cumsum(np.pad(mask, ((0, 0), (1, 0))), axis=1, dtype=np.int32)
    live = np.flatnonzero(total[:, -1] != 0)
    scale, lengths, spreads = np.zeros(len(total)), [], []
    for length in _WINDOWS:
        begin = np.arange(width, mask.shape[1] - length - width, max(length // 2, _WINDOWS[0]))
        if len(begin) == 0 or len(live) == 0:
            break
        end = begin + length
        outer = (begin + 2 - width, end - 2 + width)
        quiet = (covered[:, outer[1]] == covered[:, outer[0]])[live]
        lines = (total[:, begin + 2] - total[:, outer[0]] + total[:, outer[1]] - total[:, end - 2]) / (2 * width)
        sums = (total[:, end] - total[:, begin] - length * lines)[live]
        if quiet.sum() < _LEAST_WINDOWS:
            quiet = np.ones_like(quiet)
        if not lengths:
            count = quiet.sum(axis=1)
            own = np.sqrt((sums**2 * quiet).sum(axis=1) / np.maximum(count, 1))
            scale[live] = np.where(count < _LEAST_OF_CHANNEL, 1, own / max(np.median(own), _LEAST_ELECTRONS))
        low, high = np.quantile(sums[quiet], [0.16, 0.84])
        lengths.append(length)
        spreads.append(max((high - low) / 2, _LEAST_ELECTRONS, *spreads[-1:]))
    if len(lengths) < 2:  # a record of a few ticks
        lengths, spreads = list(_WINDOWS[:2]), [_LEAST_ELECTRONS] * 2
    return SumNoise(np.array(lengths), np.array(spreads), scale)
