"""What one number cannot say of a denoised image: errors by amplitude and charge, regions by label, DUNEdn's own metrics.

Images float (channels, ticks), ADC, good channels only.  Everything comes as ``Bin``: a value of a quantity between two
limits, so that means and errors by event are taken in one way for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from protodune.classical.cut import apply_cut
from protodune.measure.waveforms import MIN_CHARGE, PEAK_ADC, charge_metrics, charge_pairs, imae, mse, psnr, region_charges
from protodune.measure.dunedn import dunedn_metrics
from protodune.events.truth import LABEL_ADC
from protodune.events.true_regions import TrueRegions

RESIDUAL_EDGES_ADC = np.arange(-15.25, 15.3, 0.5)
AMPLITUDE_EDGES_ADC = np.array([3.5, 5, 7, 10, 14, 20, 28, 40, 56, 80, 112, 160, 400])
CHARGE_EDGES = {
    "collection": np.array([300.0, 500, 800, 1200, 1800, 2700, 4000, 6000, 10000, 20000]),
    "induction": np.array([100.0, 200, 350, 550, 800, 1200, 1800, 2700, 4000, 8000]),
}
"""Areas of true regions, ADC tick; a minimum ionising particle leaves 1000 on a collection wire."""
MIN_REGIONS = 10
"""Fewer regions have no quantiles."""
IONISATIONS = {
    "mip": (0.7, 1.4, (0.0, 30.0, 60.0, 75.0, 90.0)),
    "two_mip": (1.4, 2.4, (0.0, 30.0, 60.0, 75.0, 90.0)),
    "stopping": (2.4, np.inf, (0.0, 90.0)),
}
"""Classes of regions by the density of their ionisation, in minimum ionising particles, and the edges of their bins of
theta_xz, degrees; the last are ends of stopping tracks, of which there are few."""
LABEL_THRESHOLDS_ADC = np.arange(0, 6.75, 0.5)


class Bin(NamedTuple):
    """The ``value`` of a ``quantity`` for ``low`` <= x < ``high``; NaN limits where it depends on nothing."""

    quantity: str
    low: float
    high: float
    value: float


def residuals(denoised: np.ndarray, clean: np.ndarray) -> Iterator[Bin]:
    """Yield the densities (1/ADC) of denoised - clean in background and signal pixels, |clean| below and from 3.5 ADC on."""
    signal = np.abs(clean) >= LABEL_ADC
    for name, where in (("residual_background", ~signal), ("residual_signal", signal)):
        values = (denoised[where] - clean[where]).astype(np.float32)
        counts = np.histogram(values, RESIDUAL_EDGES_ADC)[0]
        for low, high, count in zip(RESIDUAL_EDGES_ADC[:-1], RESIDUAL_EDGES_ADC[1:], counts, strict=True):
            yield Bin(name, low, high, count / len(values) / (high - low) if len(values) else math.nan)


def errors_by_amplitude(denoised: np.ndarray, clean: np.ndarray) -> Iterator[Bin]:
    """Yield mean and rms of the error by |clean|, ADC; the mean is negative where amplitude is lost."""
    size = np.abs(clean)
    rows = size >= AMPLITUDE_EDGES_ADC[0]
    place = np.digitize(size[rows], AMPLITUDE_EDGES_ADC) - 1
    error = ((denoised[rows] - clean[rows]) * np.sign(clean[rows])).astype(np.float64)
    for i, (low, high) in enumerate(pairwise(AMPLITUDE_EDGES_ADC)):
        part = error[place == i]
        yield Bin("amplitude_bias", low, high, float(part.mean()) if len(part) else math.nan)
        yield Bin("amplitude_rms", low, high, float(np.sqrt((part**2).mean())) if len(part) else math.nan)


def errors_by_charge(
    denoised: np.ndarray, clean: np.ndarray, truth: np.ndarray, ticks_per_pixel: int, family: str
) -> Iterator[Bin]:
    """Yield bias and resolution of the charge of true regions by their true charge (``metrics.charge_pairs``)."""
    found, true = charge_pairs(denoised, clean, truth, ticks_per_pixel, family)
    edges = CHARGE_EDGES[family]
    for low, high in pairwise(edges):
        inside = (true >= low) & (true < high)
        errors = found[inside] / true[inside] - 1 if inside.sum() >= MIN_REGIONS else np.zeros(0)
        for name, value in charge_metrics(errors).items():
            yield Bin(f"{name}_by_charge", low, high, value)


def errors_by_ionisation(denoised: np.ndarray, clean: np.ndarray, regions: TrueRegions, family: str) -> Iterator[Bin]:
    """Yield bias and resolution of the charge of ``regions`` that one track left, by its angle theta_xz, for each class of
    ionisation: ``charge_bias_mip`` and so on.  Regions with little charge are left out, as everywhere."""
    found, true = region_charges(denoised, clean, regions.row, regions.begin, regions.end, family)
    enough = true > MIN_CHARGE[family]
    for name, (least, most, edges) in IONISATIONS.items():
        of_class = enough & (regions.ionisation >= least) & (regions.ionisation < most)
        for low, high in pairwise(edges):
            inside = of_class & (regions.theta_deg >= low) & (regions.theta_deg < high)
            errors = found[inside] / true[inside] - 1 if inside.sum() >= MIN_REGIONS else np.zeros(0)
            for metric, value in charge_metrics(errors).items():
                yield Bin(f"{metric}_{name}", low, high, value)


def regions_by_label(found: np.ndarray, clean: np.ndarray) -> Iterator[Bin]:
    """Yield sensitivity and specificity of the pixels ``found``, bool (channels, ticks), for labels |clean| > threshold; and
    the shares of true and false positives and negatives for DUNEdn's label, |clean| of at least 3.5 ADC."""
    size = np.abs(clean)
    for threshold in LABEL_THRESHOLDS_ADC:
        label = size > threshold
        for name, part, value in (("sensitivity", found[label], True), ("specificity", found[~label], False)):
            yield Bin(f"{name}_by_label", threshold, threshold, float((part == value).mean()) if part.size else math.nan)
    label = size >= LABEL_ADC
    for name, pixels in (
        ("true_positive", found & label),
        ("false_positive", found & ~label),
        ("false_negative", ~found & label),
        ("true_negative", ~found & ~label),
    ):
        yield Bin(f"{name}_share", math.nan, math.nan, float(pixels.mean()))


def metrics_by_cut(denoised: np.ndarray, clean: np.ndarray, family: str) -> Iterator[Bin]:
    """Yield the metrics of the reproduction as they are and after DUNEdn's cut (limits 0 and 3.5): ours, the mean error of a
    channel's absolute area, and DUNEdn's own."""
    for cut in (0.0, LABEL_ADC):
        image = apply_cut(denoised, cut)
        area = np.abs(image).sum(axis=1, dtype=np.float64) - np.abs(clean).sum(axis=1, dtype=np.float64)
        values = {
            "mse": mse(image, clean),
            "psnr": psnr(image, clean, PEAK_ADC[family]),
            "imae": imae(image, clean),
            "absolute_area_mae": float(np.abs(area).mean()),
        }
        values |= {f"dunedn_{name}": value for name, value in dunedn_metrics(image, clean).items()}
        for name, value in values.items():
            yield Bin(f"{name}_by_cut", cut, cut, value)
