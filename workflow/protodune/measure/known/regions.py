"""Regions of interest against the true ones, in pixels of ten ticks, and the counts by threshold behind the curves."""

from __future__ import annotations

from collections.abc import Iterator

from protodune.events.truth import rebinned, region_found
from protodune.measure.curves import OTHER, SIGNAL
from protodune.measure.regions import count_thresholds, region_auc, region_counts, region_metrics
from protodune.measure.spec import Measure, Measured, Metric, Subject


def measured(subject: Subject) -> Iterator[Measured]:
    """Yield efficiency, purity and area by subset of channels at the method's threshold; counts of all channels by
    threshold (``low`` and ``high``)."""
    regions = subject.output("regions")
    found, score, truth = region_found(regions, subject.threshold), rebinned(regions), subject.region_truth
    for channels, rows in subject.subsets.items():
        for name, value in region_metrics(found[rows], truth[rows]).items():
            yield Measured(name, value, channels)
        yield Measured("region_auc", region_auc(score[rows], truth[rows]), channels)
    counts = region_counts(score[subject.rows], truth[subject.rows])
    for threshold, signal, other in zip(count_thresholds().tolist(), *(c.tolist() for c in counts), strict=True):
        yield Measured(SIGNAL, signal, "all", threshold, threshold)
        yield Measured(OTHER, other, "all", threshold, threshold)


MEASURE = Measure(
    name="regions",
    level="scores",
    needs=("regions",),
    needs_charge=True,
    metrics=(
        Metric("pixel_efficiency", "pixel eff.", axis="pixel efficiency"),
        Metric("pixel_purity", "pixel pur.", axis="pixel purity"),
        Metric("region_efficiency", "region eff.", axis="region efficiency"),
        Metric("region_purity", "region pur.", axis="region purity"),
        Metric("region_auc", "region AUC"),
        Metric("signal_pixels_found", "signal pixels found", "pixels"),
        Metric("other_pixels_found", "other pixels found", "pixels"),
    ),
    run=measured,
)
