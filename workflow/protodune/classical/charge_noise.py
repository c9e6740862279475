"""The noise of sums of deconvolved charge, which is most of the error of a region's charge.

Noise after the deconvolution is slow: that of a sum grows faster than its length, nearly as a power of it (1.25 on induction
planes, 0.8 on collection planes).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_WINDOWS = (32, 64, 128, 256, 512)
"""Ticks of the windows in which the noise of sums is looked for."""
_LEAST_STEP, _EVERY_CHANNEL = 64, 4
"""Ticks from one window to the next, and channels: not all are looked at."""
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


def quiet_noise(image: np.ndarray, mask: np.ndarray, width: int) -> SumNoise:
    """Return the noise of sums in windows without signal.

    ``image`` float32 and ``mask``, bool, the signal, both (channels, ticks); ``width`` ticks to either side tell the
    baseline.  The scale of a channel is its own noise of the shortest windows over that of the median channel, 0 for a
    channel of zeros.  Where less than 100 windows of a length are quiet, all count, and signal makes the noise larger than
    it is.
    """
    live = np.flatnonzero(image.any(axis=1))
    scale, lengths, spreads = np.zeros(len(image)), [], []
    total = np.zeros((len(live), image.shape[1] + 1))
    np.cumsum(image[live], axis=1, dtype=np.float64, out=total[:, 1:])
    covered = np.cumsum(np.pad(mask[live], ((0, 0), (1, 0))), axis=1, dtype=np.int32)
    for length in _WINDOWS:
        sums, quiet = _window_sums(total, covered, length, width)
        if sums.size == 0:
            break
        if not lengths:
            count = quiet.sum(axis=1)
            own = np.sqrt((sums**2 * quiet).sum(axis=1) / np.maximum(count, 1))
            scale[live] = np.where(count < _LEAST_OF_CHANNEL, 1, own / max(np.median(own), _LEAST_ELECTRONS))
            # For the other lengths some of the channels tell enough.
            total, covered = total[::_EVERY_CHANNEL], covered[::_EVERY_CHANNEL]
        low, high = np.quantile(sums[quiet] if quiet.sum() >= _LEAST_WINDOWS else sums, [0.16, 0.84])
        lengths.append(length)
        spreads.append(max((high - low) / 2, _LEAST_ELECTRONS, *spreads[-1:]))
    if len(lengths) < 2:  # a record of a few ticks, or without any noise
        lengths, spreads = list(_WINDOWS[:2]), [_LEAST_ELECTRONS] * 2
    return SumNoise(np.array(lengths), np.array(spreads), scale)


def _window_sums(total: np.ndarray, covered: np.ndarray, length: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums of windows less the line of their baselines, float64 (channels, windows), and which of them are quiet,
    bool; ``total`` and ``covered``, (channels, ticks + 1): sums, and ticks with signal, before each tick."""
    begin = np.arange(width, total.shape[1] - 1 - length - width, max(length // 2, _LEAST_STEP))
    end = begin + length
    first, last = begin + 2 - width, end - 2 + width
    quiet = covered[:, last] == covered[:, first]
    baseline = (total[:, begin + 2] - total[:, first] + total[:, last] - total[:, end - 2]) / (2 * width)
    return total[:, end] - total[:, begin] - length * baseline, quiet
