"""Measure one method on one sample with truth: errors by amplitude and charge, regions by label, DUNEdn's own metrics."""

from __future__ import annotations

import argparse
import logging

import numpy as np
from tqdm import tqdm

from protodune.measure.distributions import (
    Bin,
    errors_by_amplitude,
    errors_by_charge,
    errors_by_ionisation,
    metrics_by_cut,
    regions_by_label,
    residuals,
)
from protodune.detector.geometry import PLANE_FAMILIES
from protodune.measure.waveforms import roi_auc
from protodune.events.predictions import Predictions
from protodune.events.truth import LABEL_ADC, ROI_REBIN_TICKS, roi_truth
from protodune.stages.command import run_stage
from protodune.stages.per_method import method_parser
from protodune.events.store import EventStore
from protodune.core.tables import IMAGE_COLUMNS, write_table
from protodune.events.true_regions import TrueRegions, true_regions

log = logging.getLogger(__name__)
COLUMNS = [*IMAGE_COLUMNS, *Bin._fields]


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    return method_parser("measure", __doc__)


def measure_plane(store: EventStore, found: Predictions, family: str, view: str, image: int) -> list[Bin]:
    """Return all bins of one plane of one image; good channels only, none if there is no good channel."""
    good = ~store.bad(view, image)
    if not good.any():
        return []
    clean, bins = store.clean(view, image)[good], []
    if found.has("denoised"):
        denoised = found.denoised(view, image)[good]
        bins += [
            *residuals(denoised, clean),
            *errors_by_amplitude(denoised, clean),
            *metrics_by_cut(denoised, clean, family),
        ]
        if store.has_charge:
            truth = roi_truth(store.charge_image(view, image)[good])
            bins += errors_by_charge(denoised, clean, truth, ROI_REBIN_TICKS, family)
            bins += errors_by_ionisation(denoised, clean, good_regions(store, view, image, good), family)
    if found.has("roi"):
        score = found.roi(view, image)[good]
        bins += regions_by_label(score >= found.roi_threshold, clean)
        bins.append(Bin("roi_auc_by_waveform", np.nan, np.nan, roi_auc(score, np.abs(clean) >= LABEL_ADC)))
    return bins


def good_regions(store: EventStore, view: str, image: int, good: np.ndarray) -> TrueRegions:
    """Return the true regions of the channels ``good``, bool (channels,), their rows counted among those."""
    regions = true_regions(store, view, image)
    regions = regions.where(good[regions.row])
    regions.row = (np.cumsum(good) - 1)[regions.row]
    return regions


def run(plane: str, method: str, sample: str, events: str, predictions: str, output: str) -> None:
    """Measure one prediction file; one row an image, quantity and bin."""
    rows = []
    with EventStore(events) as store, Predictions(predictions) as found:
        found.check_matches(store)
        for image in tqdm(range(len(store)), desc=method, unit="image", disable=None):
            for view in PLANE_FAMILIES[plane]:
                key = (plane, method, sample, *store.event_id(image), int(store.apa[image]), view)
                rows += [
                    dict(zip(COLUMNS, (*key, *item), strict=True))
                    for item in measure_plane(store, found, plane, view, image)
                ]
    write_table(output, rows, COLUMNS)
    log.info("%s: %d values", output, len(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("measure", lambda: run(a.plane, a.method, a.sample, a.events, a.predictions, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
