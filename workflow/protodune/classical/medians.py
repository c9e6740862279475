"""Medians and quantiles of many short rows: numpy sorts them several times as fast as it partitions them."""

from __future__ import annotations

import numpy as np


def sorted_median(values: np.ndarray) -> np.ndarray:
    """Return the median along the last axis, of the same dtype: what ``np.median`` gives."""
    ordered, n = np.sort(values, axis=-1), values.shape[-1]
    return ordered[..., n // 2] if n % 2 else (ordered[..., n // 2 - 1] + ordered[..., n // 2]) / 2


def sorted_quantile(values: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """Return quantiles along the last axis, (shares, ...): what ``np.quantile`` gives, up to rounding."""
    ordered = np.sort(values, axis=-1)
    place = np.array(shares) * (values.shape[-1] - 1)
    low = np.floor(place).astype(int)
    part = (place - low).astype(values.dtype)
    below, above = (np.moveaxis(ordered[..., np.minimum(low + k, values.shape[-1] - 1)], -1, 0) for k in (0, 1))
    return below + (above - below) * part.reshape(-1, *([1] * (values.ndim - 1)))
