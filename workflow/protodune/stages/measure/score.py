"""Compare predictions with the truth: one row an image, region and metric."""

from __future__ import annotations

import argparse
import logging

import numpy as np
from tqdm import tqdm

from protodune.detector.geometry import PLANE_FAMILIES, drift_facing_rows
from protodune.measure.waveforms import (
    THRESHOLDS,
    charge_errors,
    charge_metrics,
    image_metrics,
    roi_auc,
    roi_counts,
    roi_metrics,
)
from protodune.events.predictions import Predictions
from protodune.events.truth import ROI_REBIN_TICKS, rebinned, roi_found, roi_truth
from protodune.stages.command import run_stage
from protodune.stages.per_method import method_parser
from protodune.events.store import EventStore
from protodune.core.tables import IMAGE_COLUMNS, write_table

log = logging.getLogger(__name__)
CURVE_COLUMNS = ["sample", "run", "subrun", "event", "apa", "view", "threshold", "found", "false"]
COLUMNS = [*IMAGE_COLUMNS, "region", "metric", "value"]


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = method_parser("score", __doc__)
    p.add_argument("--curves", required=True, help="TSV of counts by threshold of the ROI score to write")
    return p


def run(plane: str, method: str, sample: str, events: str, predictions: str, output: str, curves: str) -> None:
    """Score one prediction file.  Regions: ``all`` channels; for collection also ``drift``, the half facing the cathode.

    Curves: signal pixels found and others taken for signal at each threshold, all good channels; none without ROI scores.

    Bad channels do not count: they carry no waveform to denoise."""
    rows, curve_rows = [], []
    with EventStore(events) as store, Predictions(predictions) as found:
        found.check_matches(store)
        with_waveforms = found.has("denoised")
        with_roi = found.has("roi") and store.has_charge
        for image in tqdm(range(len(store)), desc=method, unit="image", disable=None):
            apa = int(store.apa[image])
            for view in PLANE_FAMILIES[plane]:
                good = ~store.bad(view, image)
                if with_waveforms:
                    denoised, clean = found.denoised(view, image), store.clean(view, image)
                if store.has_charge:
                    true_roi = roi_truth(store.charge_image(view, image))
                if with_roi:
                    score = found.roi(view, image)
                    found_roi, score = roi_found(score, found.roi_threshold), rebinned(score)
                    counts = roi_counts(score[good], true_roi[good])
                    key = (sample, *store.event_id(image), apa, view)
                    for point in zip(("-inf", *THRESHOLDS.tolist(), "inf"), *(c.tolist() for c in counts), strict=True):
                        curve_rows.append(dict(zip(CURVE_COLUMNS, (*key, *point), strict=True)))
                regions = {"all": slice(None)} | ({"drift": drift_facing_rows(view, apa)} if plane == "collection" else {})
                for region, channels in regions.items():
                    key = (plane, method, sample, *store.event_id(image), apa, view, region)
                    rows_of = np.flatnonzero(good[channels]) + (channels.start or 0)
                    if len(rows_of) == 0:
                        continue
                    values = image_metrics(denoised[rows_of], clean[rows_of], plane) if with_waveforms else {}
                    if with_waveforms and store.has_charge:
                        parts = (denoised[rows_of], clean[rows_of], true_roi[rows_of])
                        values |= charge_metrics(charge_errors(*parts, ROI_REBIN_TICKS, plane))
                    if with_roi:
                        values |= roi_metrics(found_roi[rows_of], true_roi[rows_of])
                        values["roi_auc"] = roi_auc(score[rows_of], true_roi[rows_of])
                    for metric, value in values.items():
                        rows.append(dict(zip(COLUMNS, (*key, metric, value), strict=True)))
    write_table(curves, curve_rows, CURVE_COLUMNS)
    write_table(output, rows, COLUMNS)
    log.info("%s: %d values", output, len(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("score", lambda: run(a.plane, a.method, a.sample, a.events, a.predictions, a.output, a.curves))


if __name__ == "__main__":
    raise SystemExit(main())
