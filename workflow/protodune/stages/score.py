"""Compare predictions with the truth: one row an image, region and metric."""

from __future__ import annotations

import argparse
import logging

import numpy as np
from tqdm import tqdm

from protodune.geometry import PLANE_FAMILIES, drift_facing_rows
from protodune.metrics import image_metrics, roi_auc, roi_metrics
from protodune.predictions import Predictions
from protodune.roi_truth import rebinned, roi_found, roi_truth
from protodune.stages.command import run_stage, stage_parser
from protodune.store import EventStore
from protodune.tables import write_table

log = logging.getLogger(__name__)
COLUMNS = ["plane", "method", "sample", "run", "subrun", "event", "apa", "view", "region", "metric", "value"]


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("score", __doc__)
    p.add_argument("--plane", required=True, choices=sorted(PLANE_FAMILIES))
    p.add_argument("--method", required=True)
    p.add_argument("--sample", required=True)
    p.add_argument("--events", required=True, help="HDF5 event store with truth")
    p.add_argument("--predictions", required=True, help="HDF5 prediction file")
    p.add_argument("--output", required=True, help="TSV to write")
    return p


def run(plane: str, method: str, sample: str, events: str, predictions: str, output: str) -> None:
    """Score one prediction file.  Regions: ``all`` channels; for collection also ``drift``, the half facing the cathode.

    Bad channels do not count: they carry no waveform to denoise."""
    rows = []
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
                if with_roi:
                    score = found.roi(view, image)
                    found_roi = roi_found(score)
                    true_roi = roi_truth(store.charge_image(view, image))
                regions = {"all": slice(None)} | ({"drift": drift_facing_rows(view, apa)} if plane == "collection" else {})
                for region, channels in regions.items():
                    key = (plane, method, sample, *store.event_id(image), apa, view, region)
                    rows_of = np.flatnonzero(good[channels]) + (channels.start or 0)
                    if len(rows_of) == 0:
                        continue
                    values = image_metrics(denoised[rows_of], clean[rows_of], plane) if with_waveforms else {}
                    if with_roi:
                        values |= roi_metrics(found_roi[rows_of], true_roi[rows_of])
                        values["roi_auc"] = roi_auc(rebinned(score)[rows_of], true_roi[rows_of])
                    for metric, value in values.items():
                        rows.append(dict(zip(COLUMNS, (*key, metric, value), strict=True)))
    write_table(output, rows, COLUMNS)
    log.info("%s: %d values", output, len(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("score", lambda: run(a.plane, a.method, a.sample, a.events, a.predictions, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
