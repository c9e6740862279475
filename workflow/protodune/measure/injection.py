"""What a method recovers of known signals that were added to a recording."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from scipy.ndimage import maximum_filter1d

from protodune.measure.distributions import CHARGE_EDGES, MIN_REGIONS, Bin
from protodune.measure.waveforms import charge_metrics, charge_pairs
from protodune.events.regions import runs
from protodune.events.truth import ROI_REBIN_TICKS

QUIET_PAD_PIXELS = 2
"""Pixels of ten ticks on both sides of a recorded signal in which nothing counts as injected."""


def recovered(
    before: dict[str, np.ndarray], after: dict[str, np.ndarray], clean: np.ndarray, truth: np.ndarray, family: str
) -> Iterator[Bin]:
    """Yield efficiency, charge bias and charge resolution by the charge of injected regions.

    ``before`` and ``after``: what a method made of the recorded and of the injected plane, by name: ``denoised`` float
    (channels, ticks) and, if it selects regions, ``roi`` bool (channels, ticks // 10); ``clean`` (channels, ticks) and
    ``truth`` bool (channels, ticks // 10) of the signals.  Charge is that of the difference.  Regions that touch a signal
    of the recording do not count, as they were loud before.
    """
    old = before.get("roi")
    if old is not None:
        near = maximum_filter1d(old, 2 * QUIET_PAD_PIXELS + 1, axis=1)
        truth = truth & ~_touched(truth, near)
    difference, edges = after["denoised"] - before["denoised"], CHARGE_EDGES[family]
    found, true = charge_pairs(difference, clean, truth, ROI_REBIN_TICKS, family)
    seen = None
    if old is not None:
        # A region counts as found if one of its pixels is.
        _, hit = charge_pairs(clean, clean, _touched(truth, after["roi"]), ROI_REBIN_TICKS, family)
        seen = np.histogram(hit, edges)[0] / np.maximum(np.histogram(true, edges)[0], 1)
    for place, (low, high) in enumerate(pairwise(edges)):
        inside = (true >= low) & (true < high)
        enough = inside.sum() >= MIN_REGIONS
        if seen is not None:
            yield Bin("efficiency_by_charge", low, high, float(seen[place]) if enough else np.nan)
        errors = found[inside] / true[inside] - 1 if enough else np.zeros(0)
        for name, value in charge_metrics(errors).items():
            yield Bin(f"{name}_by_charge", low, high, value)


def _touched(mask: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return those runs of ``mask`` that hold a pixel of ``other``, bool of its shape."""
    row, begin, end = runs(mask)
    total = np.pad(np.cumsum(other, axis=1), ((0, 0), (1, 0)))
    kept = np.zeros_like(mask)
    for r, b, e in zip(row, begin, end, strict=True):
        kept[r, b:e] = total[r, e] > total[r, b]
    return kept
