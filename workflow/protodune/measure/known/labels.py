"""Regions of interest against labels that are taken from the noise-free waveform, as DUNEdn does; good channels only."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from protodune.events.truth import LABEL_ADC, region_ticks
from protodune.measure.regions import region_auc
from protodune.measure.spec import Measure, Measured, Metric, Subject

LABEL_THRESHOLDS_ADC = np.arange(0, 6.75, 0.5)


def measured(subject: Subject) -> Iterator[Measured]:
    """Yield sensitivity and specificity by the threshold of the label, the shares of pixels and the area under the curve
    for DUNEdn's label."""
    scale = subject.plane.adc_scale
    clean, score = subject.clean[subject.rows], subject.output("regions")[subject.rows]
    yield from regions_by_label(region_ticks(score, subject.threshold), clean, scale)
    yield Measured("region_auc_by_waveform", region_auc(score, np.abs(clean) >= LABEL_ADC * scale))


def regions_by_label(found: np.ndarray, clean: np.ndarray, adc_scale: float = 1.0) -> Iterator[Measured]:
    """Yield sensitivity and specificity of the pixels ``found``, bool (channels, ticks), for labels |clean| > threshold; and
    the shares of true and false positives and negatives for DUNEdn's label, |clean| of at least 3.5 ADC of the reference
    gain."""
    size = np.abs(clean)
    for threshold in LABEL_THRESHOLDS_ADC * adc_scale:
        label = size > threshold
        for name, part, value in (("sensitivity", found[label], True), ("specificity", found[~label], False)):
            share = float((part == value).mean()) if part.size else math.nan
            yield Measured(f"{name}_by_label", share, "all", threshold, threshold)
    label = size >= LABEL_ADC * adc_scale
    for name, pixels in (
        ("true_positive", found & label),
        ("false_positive", found & ~label),
        ("false_negative", ~found & label),
        ("true_negative", ~found & ~label),
    ):
        yield Measured(f"{name}_share", float(pixels.mean()))


MEASURE = Measure(
    name="labels",
    level="details",
    needs=("regions",),
    metrics=(
        Metric("sensitivity_by_label", "sensitivity"),
        Metric("specificity_by_label", "specificity"),
        Metric("true_positive_share", "true positive"),
        Metric("false_positive_share", "false positive"),
        Metric("false_negative_share", "false negative"),
        Metric("true_negative_share", "true negative"),
        Metric("region_auc_by_waveform", "AUC"),
    ),
    run=measured,
)
