"""Charge of the regions that one track left, by its angle and by the density of its ionisation."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from protodune.detector.model import Plane
from protodune.events.true_regions import TrueRegions
from protodune.measure.charge import MIN_REGIONS, charge_metrics, min_charge, region_charges
from protodune.measure.spec import Measure, Measured, Metric, Subject

IONISATIONS = {
    "mip": (0.7, 1.4, (0.0, 30.0, 60.0, 75.0, 90.0)),
    "two_mip": (1.4, 2.4, (0.0, 30.0, 60.0, 75.0, 90.0)),
    "stopping": (2.4, np.inf, (0.0, 90.0)),
}
"""Classes of regions by the density of their ionisation, in minimum ionising particles, and the edges of their bins of
theta_xz, degrees; the last are ends of stopping tracks, of which there are few."""


def measured(subject: Subject) -> Iterator[Measured]:
    """Yield bias and resolution of a plane by class of ionisation and angle; good channels only."""
    yield from errors_by_ionisation(subject.output("denoised"), subject.clean, subject.true_regions, subject.plane)


def errors_by_ionisation(denoised: np.ndarray, clean: np.ndarray, regions: TrueRegions, plane: Plane) -> Iterator[Measured]:
    """Yield bias and resolution of the charge of ``regions`` that one track left, by its angle theta_xz, for each class of
    ionisation: ``charge_bias_mip`` and so on.

    ``denoised`` and ``clean`` float (channels, ticks), ADC.  Regions with little charge are left out, as everywhere.
    """
    found, true = region_charges(denoised, clean, regions.row, regions.begin, regions.end, plane)
    enough = true > min_charge(plane)
    for name, (least, most, edges) in IONISATIONS.items():
        of_class = enough & (regions.ionisation >= least) & (regions.ionisation < most)
        for low, high in pairwise(edges):
            inside = of_class & (regions.theta_deg >= low) & (regions.theta_deg < high)
            errors = found[inside] / true[inside] - 1 if inside.sum() >= MIN_REGIONS else np.zeros(0)
            for metric, value in charge_metrics(errors).items():
                yield Measured(f"{metric}_{name}", value, "all", low, high)


MEASURE = Measure(
    name="ionisation",
    level="details",
    needs=("denoised",),
    needs_charge=True,
    metrics=(
        Metric("charge_bias_mip", "area bias, 0.7 to 1.4 MIP", axis="median of Q/Q$_{true}$ − 1"),
        Metric("charge_resolution_mip", "area res., 0.7 to 1.4 MIP", axis="half the central 68 % of Q/Q$_{true}$"),
        Metric("charge_bias_two_mip", "area bias, 1.4 to 2.4 MIP", axis="median of Q/Q$_{true}$ − 1"),
        Metric("charge_resolution_two_mip", "area res., 1.4 to 2.4 MIP", axis="half the central 68 % of Q/Q$_{true}$"),
        Metric("charge_bias_stopping", "area bias, above 2.4 MIP", axis="median of Q/Q$_{true}$ − 1"),
        Metric("charge_resolution_stopping", "area res., above 2.4 MIP", axis="half the central 68 % of Q/Q$_{true}$"),
    ),
    run=measured,
)
