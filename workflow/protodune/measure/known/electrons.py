"""Charge in electrons: found over true, of true regions and of the segments that one track left across several wires."""

from __future__ import annotations

from collections.abc import Iterator

from protodune.measure.charge import charge_metrics
from protodune.measure.electrons import region_electrons, segment_electrons
from protodune.measure.spec import Measure, Measured, Metric, Subject


def measured(subject: Subject) -> Iterator[Measured]:
    """Yield median and width of the relative errors of regions by subset of channels, and of segments on all channels."""
    found = region_electrons(subject)
    for channels, rows in subject.subsets.items():
        for name, value in charge_metrics(found.errors(rows), "electron").items():
            yield Measured(name, value, channels)
    for name, value in charge_metrics(segment_electrons(subject).errors(), "segment").items():
        yield Measured(name, value, "all")


MEASURE = Measure(
    name="electrons",
    level="scores",
    needs=("charge",),
    needs_charge=True,
    metrics=(
        Metric("electron_bias", "electrons bias", axis="median of N$_e$/N$_{true}$ − 1", headline=True),
        Metric("electron_resolution", "electrons res.", axis="half the central 68 % of N$_e$/N$_{true}$", headline=True),
        Metric("segment_bias", "segment bias", axis="median of N$_e$/N$_{true}$ − 1"),
        Metric("segment_resolution", "segment res.", axis="half the central 68 % of N$_e$/N$_{true}$"),
    ),
    run=measured,
)
