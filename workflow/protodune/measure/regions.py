"""How well regions of interest are found."""

from __future__ import annotations

import math

import numpy as np

from protodune.events.regions import runs

THRESHOLDS = np.unique(np.rint(1 / (1 + np.exp(-np.linspace(-7, 7, 57))) * 1e4) / 1e4)
"""Scores at which curves have their points, dense near 0 and 1 (steps of 1/4 of the logit)."""


def region_metrics(found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Return efficiency and purity of pixels and of regions; both masks bool (channels, n).

    Pixels: |found & truth| / |truth| and / |found|.  Regions are runs of a channel: the share of true ones with at least one
    found pixel, and of found ones with at least one true pixel.  NaN where there is nothing to divide by.
    """
    both = int((found & truth).sum())
    return {
        "pixel_efficiency": _share(both, int(truth.sum())),
        "pixel_purity": _share(both, int(found.sum())),
        "region_efficiency": _share(*_hit_runs(truth, found)),
        "region_purity": _share(*_hit_runs(found, truth)),
    }


def region_auc(score: np.ndarray, truth: np.ndarray) -> float:
    """Return the area under the ROC curve: the chance that a signal pixel has a higher score than another, ties count half.

    ``score`` float and ``truth`` bool of one shape; NaN without signal or without background.
    """
    signal, other = np.sort(score[truth]), np.sort(score[~truth])
    if len(signal) == 0 or len(other) == 0:
        return math.nan
    below = np.searchsorted(other, signal, side="left").sum(dtype=np.float64)
    up_to = np.searchsorted(other, signal, side="right").sum(dtype=np.float64)
    return float((below + up_to) / 2 / len(signal) / len(other))


def region_counts(score: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many signal pixels and how many others have a score of at least each threshold, int64 (thresholds + 2,).

    The first threshold is -infinity, all pixels, and the last +infinity, none.  ``score`` float and ``truth`` bool of one
    shape.
    """
    edges = count_thresholds()
    # Of each edge, what is not below it.
    counts = [np.searchsorted(np.sort(part), edges, side="left") for part in (score[truth], score[~truth])]
    return int(truth.sum()) - counts[0], int((~truth).sum()) - counts[1]


def count_thresholds() -> np.ndarray:
    """Return the thresholds of ``region_counts``, float64 (thresholds + 2,)."""
    return np.concatenate([[-np.inf], THRESHOLDS, [np.inf]])


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _hit_runs(mask: np.ndarray, other: np.ndarray) -> tuple[int, int]:
    """Return how many runs of ``mask`` hold a pixel of ``other``, and how many there are."""
    row, begin, end = runs(mask)
    total = np.concatenate([[0], np.cumsum(other.ravel())])
    start = row * mask.shape[1]
    return int((total[start + end] > total[start + begin]).sum()), len(row)
