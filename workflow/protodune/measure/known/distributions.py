"""Errors of denoised values by size, and of the charge of regions by charge; good channels only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from protodune.detector.model import Plane
from protodune.events.truth import LABEL_ADC, REGION_REBIN_TICKS
from protodune.measure.charge import MIN_REGIONS, charge_metrics, charge_pairs
from protodune.measure.spec import Measure, Measured, Metric, Subject

RESIDUAL_EDGES_ADC = np.arange(-15.25, 15.3, 0.5)
AMPLITUDE_EDGES_ADC = np.array([3.5, 5, 7, 10, 14, 20, 28, 40, 56, 80, 112, 160, 400])
CHARGE_EDGES = {
    "collection": np.array([300.0, 500, 800, 1200, 1800, 2700, 4000, 6000, 10000, 20000]),
    "induction": np.array([100.0, 200, 350, 550, 800, 1200, 1800, 2700, 4000, 8000]),
}
"""Areas of true regions, ADC tick; a minimum ionising particle leaves 1000 on a collection wire."""


def measured(subject: Subject) -> Iterator[Measured]:
    """Yield all distributions of a plane; those by charge where the sample has true charge."""
    plane, rows = subject.plane, subject.rows
    denoised, clean = subject.output("denoised")[rows], subject.clean[rows]
    yield from residuals(denoised, clean, plane.adc_scale)
    yield from errors_by_amplitude(denoised, clean, plane.adc_scale)
    if subject.store.has_charge:
        yield from errors_by_charge(denoised, clean, subject.region_truth[rows], REGION_REBIN_TICKS, plane)


def residuals(denoised: np.ndarray, clean: np.ndarray, adc_scale: float = 1.0) -> Iterator[Measured]:
    """Yield the densities (1/ADC) of denoised - clean, float (channels, ticks), in background and signal pixels, |clean|
    below and from 3.5 ADC of the reference gain."""
    signal, edges = np.abs(clean) >= LABEL_ADC * adc_scale, RESIDUAL_EDGES_ADC * adc_scale
    for name, where in (("residual_background", ~signal), ("residual_signal", signal)):
        values = (denoised[where] - clean[where]).astype(np.float32)
        counts = np.histogram(values, edges)[0]
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
            density = count / len(values) / (high - low) if len(values) else math.nan
            yield Measured(name, density, "all", low, high)


def errors_by_amplitude(denoised: np.ndarray, clean: np.ndarray, adc_scale: float = 1.0) -> Iterator[Measured]:
    """Yield mean and rms of the error by |clean|, ADC; the mean is negative where amplitude is lost."""
    size, edges = np.abs(clean), AMPLITUDE_EDGES_ADC * adc_scale
    rows = size >= edges[0]
    place = np.digitize(size[rows], edges) - 1
    error = ((denoised[rows] - clean[rows]) * np.sign(clean[rows])).astype(np.float64)
    for i, (low, high) in enumerate(pairwise(edges)):
        part = error[place == i]
        yield Measured("amplitude_bias", float(part.mean()) if len(part) else math.nan, "all", low, high)
        yield Measured("amplitude_rms", float(np.sqrt((part**2).mean())) if len(part) else math.nan, "all", low, high)


def errors_by_charge(
    denoised: np.ndarray, clean: np.ndarray, truth: np.ndarray, ticks_per_pixel: int, plane: Plane
) -> Iterator[Measured]:
    """Yield bias and resolution of the charge of true regions by their true charge (``measure.charge.charge_pairs``)."""
    found, true = charge_pairs(denoised, clean, truth, ticks_per_pixel, plane)
    for low, high in pairwise(charge_edges(plane)):
        inside = (true >= low) & (true < high)
        errors = found[inside] / true[inside] - 1 if inside.sum() >= MIN_REGIONS else np.zeros(0)
        for name, value in charge_metrics(errors).items():
            yield Measured(f"{name}_by_charge", value, "all", low, high)


def charge_edges(plane: Plane) -> np.ndarray:
    """Return the edges of the bins of charge on a plane, ADC tick, float64."""
    return CHARGE_EDGES[plane.family] * plane.adc_scale


MEASURE = Measure(
    name="distributions",
    level="details",
    needs=("denoised",),
    metrics=(
        Metric("residual_background", "density, background", "1/ADC", axis="density"),
        Metric("residual_signal", "density, signal", "1/ADC", axis="density"),
        Metric("amplitude_bias", "mean error", "ADC"),
        Metric("amplitude_rms", "rms error", "ADC"),
        Metric("charge_bias_by_charge", "area bias", axis="median of Q/Q$_{true}$ − 1"),
        Metric("charge_resolution_by_charge", "area res.", axis="half the central 68 % of Q/Q$_{true}$"),
    ),
    run=measured,
)
