"""Errors of charge: whether found and true electrons of regions differ by as much as a method says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from protodune.measure.charge import MIN_REGIONS
from protodune.measure.electrons import found_electrons
from protodune.measure.spec import Measure, Measured, Metric, Subject


def measured(subject: Subject) -> Iterator[Measured]:
    """Yield the width of (found - true) / error, and the median of error / true, of regions that the method found."""
    found, error = found_electrons(subject)
    if len(error) < MIN_REGIONS:
        return
    low, high = np.quantile((found.found - found.true) / error, [0.16, 0.84])
    yield Measured("electron_pull", float(high - low) / 2)
    yield Measured("electron_uncertainty", float(np.median(error / found.true)))


MEASURE = Measure(
    name="electron_errors",
    level="scores",
    needs=("charge", "charge_error"),
    needs_charge=True,
    metrics=(
        Metric("electron_pull", "pull", axis="half the central 68 % of (N$_e$ − N$_{true}$)/σ"),
        Metric("electron_uncertainty", "uncertainty", axis="median of σ/N$_{true}$"),
    ),
    run=measured,
)
