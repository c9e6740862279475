"""Charge in electrons of the regions that one track left, by its angle theta_xz."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from protodune.measure.charge import MIN_REGIONS, charge_metrics
from protodune.measure.electrons import region_electrons, segment_electrons
from protodune.measure.spec import Measure, Measured, Metric, Subject

ANGLE_EDGES_DEG = (0.0, 20.0, 40.0, 55.0, 65.0, 72.5, 77.5, 82.5, 87.0, 90.0)


def measured(subject: Subject) -> Iterator[Measured]:
    """Yield bias and resolution of regions and of track segments by angle; bins with few are empty."""
    for what, found in (("electron", region_electrons(subject)), ("segment", segment_electrons(subject))):
        for low, high in pairwise(ANGLE_EDGES_DEG):
            errors = found.errors()[(found.theta_deg >= low) & (found.theta_deg < high)]
            for name, value in charge_metrics(errors if len(errors) >= MIN_REGIONS else errors[:0], what).items():
                yield Measured(f"{name}_by_angle", value, "all", low, high)


MEASURE = Measure(
    name="electrons_by_angle",
    level="details",
    needs=("charge",),
    needs_charge=True,
    metrics=(
        Metric("electron_bias_by_angle", "electrons bias", axis="median of N$_e$/N$_{true}$ − 1"),
        Metric("electron_resolution_by_angle", "electrons res.", axis="half the central 68 % of N$_e$/N$_{true}$"),
        Metric("segment_bias_by_angle", "segment bias", axis="median of N$_e$/N$_{true}$ − 1"),
        Metric("segment_resolution_by_angle", "segment res.", axis="half the central 68 % of N$_e$/N$_{true}$"),
    ),
    run=measured,
)
