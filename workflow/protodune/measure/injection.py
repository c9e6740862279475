"""What a method recovers of known signals that were added to a recording."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from protodune.detector.model import Plane
from protodune.events.products import Products
from protodune.events.regions import runs, widened
from protodune.events.store import EventStore
from protodune.events.truth import REGION_REBIN_TICKS, region_found
from protodune.measure.charge import MIN_REGIONS, charge_metrics, charge_pairs
from protodune.measure.known.distributions import MEASURE, charge_edges
from protodune.measure.measuring import subjects
from protodune.measure.rows import place_of
from protodune.measure.spec import Measured, Metric, Subject

QUIET_PAD_PIXELS = 2
"""Pixels of ten ticks on both sides of a recorded signal in which nothing counts as injected."""
METRICS = {
    m.name: m
    for m in (
        Metric("efficiency_by_charge", "regions found"),
        MEASURE.metric("charge_bias_by_charge"),
        MEASURE.metric("charge_resolution_by_charge"),
    )
}


def injection_rows(store: EventStore, before: Products, after: Products, about: dict[str, str]) -> list[dict]:
    """Return one row per image, metric and bin of charge (columns of ``measure.rows``); none for a method without waveforms.

    ``store`` is that of the injected sample, ``before`` and ``after`` what the method made of the recording and of the
    recording with the signals.  ``about``: task, step, method and sample.
    """
    before.check_matches(store)
    rows = []
    for new in subjects(store, after, about["method"]) if after.has("denoised") else ():
        old = Subject(store, before, new.plane, new.image)
        made = _made(old), _made(new)
        bins = recovered(*made, new.clean[new.rows], new.region_truth[new.rows], new.plane)
        place = place_of(store, new.plane, new.image, about)
        rows += [{**place, **item._asdict(), "unit": METRICS[item.metric].unit} for item in bins]
    return rows


def _made(subject: Subject) -> dict[str, np.ndarray]:
    made = {"denoised": subject.output("denoised")[subject.rows]}
    if subject.products.has("regions"):
        made["regions"] = region_found(subject.output("regions")[subject.rows], subject.threshold)
    return made


def recovered(
    before: dict[str, np.ndarray], after: dict[str, np.ndarray], clean: np.ndarray, truth: np.ndarray, plane: Plane
) -> Iterator[Measured]:
    """Yield efficiency, charge bias and charge resolution by the charge of injected regions.

    ``before`` and ``after``: what a method made of the recorded and of the injected plane, by name: ``denoised`` float
    (channels, ticks) and, if it selects regions, ``regions`` bool (channels, ticks // 10); ``clean`` (channels, ticks) and
    ``truth`` bool (channels, ticks // 10) of the signals.  Charge is that of the difference.  Regions that touch a signal
    of the recording do not count, as they were loud before.
    """
    old = before.get("regions")
    if old is not None:
        near = widened(old, QUIET_PAD_PIXELS, QUIET_PAD_PIXELS)
        truth = truth & ~_touched(truth, near)
    difference, edges = after["denoised"] - before["denoised"], charge_edges(plane)
    found, true = charge_pairs(difference, clean, truth, REGION_REBIN_TICKS, plane)
    seen = None
    if old is not None:
        # A region counts as found if one of its pixels is.
        _, hit = charge_pairs(clean, clean, _touched(truth, after["regions"]), REGION_REBIN_TICKS, plane)
        seen = np.histogram(hit, edges)[0] / np.maximum(np.histogram(true, edges)[0], 1)
    for place, (low, high) in enumerate(pairwise(edges)):
        inside = (true >= low) & (true < high)
        enough = inside.sum() >= MIN_REGIONS
        if seen is not None:
            yield Measured("efficiency_by_charge", float(seen[place]) if enough else np.nan, "all", low, high)
        errors = found[inside] / true[inside] - 1 if enough else np.zeros(0)
        for name, value in charge_metrics(errors).items():
            yield Measured(f"{name}_by_charge", value, "all", low, high)


def _touched(mask: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return those runs of ``mask`` that hold a pixel of ``other``, bool of its shape."""
    row, begin, end = runs(mask)
    total = np.pad(np.cumsum(other, axis=1), ((0, 0), (1, 0)))
    kept = np.zeros_like(mask)
    for r, b, e in zip(row, begin, end, strict=True):
        kept[r, b:e] = total[r, e] > total[r, b]
    return kept
