"""Areas of the waveforms of true regions, as bias and resolution, on all channels and on those that look at the drift."""

from __future__ import annotations

from collections.abc import Iterator

from protodune.events.truth import REGION_REBIN_TICKS
from protodune.measure.charge import charge_errors, charge_metrics
from protodune.measure.spec import Measure, Measured, Metric, Subject


def measured(subject: Subject) -> Iterator[Measured]:
    """Yield median and width of the relative charge errors by subset of channels."""
    for channels, rows in subject.subsets.items():
        images = subject.output("denoised")[rows], subject.clean[rows], subject.region_truth[rows]
        errors = charge_errors(*images, REGION_REBIN_TICKS, subject.plane)
        for name, value in charge_metrics(errors).items():
            yield Measured(name, value, channels)


MEASURE = Measure(
    name="charge",
    level="scores",
    needs=("denoised",),
    needs_charge=True,
    metrics=(
        Metric("charge_bias", "area bias", axis="median of Q/Q$_{true}$ − 1", headline=True),
        Metric("charge_resolution", "area res.", axis="half the central 68 % of Q/Q$_{true}$", headline=True),
    ),
    run=measured,
)
