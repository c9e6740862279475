"""What a method recovers of signals that were added to a recording."""

from __future__ import annotations

import argparse
import logging

import numpy as np
from tqdm import tqdm

from protodune.measure.distributions import Bin
from protodune.detector.geometry import PLANE_FAMILIES
from protodune.measure.injection import recovered
from protodune.events.predictions import Predictions
from protodune.events.truth import roi_found, roi_truth
from protodune.stages.command import run_stage
from protodune.stages.per_method import method_parser
from protodune.events.store import EventStore
from protodune.core.tables import IMAGE_COLUMNS, write_table

log = logging.getLogger(__name__)
COLUMNS = [*IMAGE_COLUMNS, *Bin._fields]


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = method_parser("score_injection", __doc__, predictions=False)
    p.add_argument("--before", required=True, help="HDF5 prediction file of the recording")
    p.add_argument("--after", required=True, help="HDF5 prediction file of the recording with the signals")
    return p


def _made(found: Predictions, view: str, image: int, good: np.ndarray) -> dict[str, np.ndarray]:
    made = {"denoised": found.denoised(view, image)[good]}
    if found.has("roi"):
        made["roi"] = roi_found(found.roi(view, image)[good], found.roi_threshold)
    return made


def run(plane: str, method: str, sample: str, events: str, before: str, after: str, output: str) -> None:
    """Score one method; one row an image, quantity and bin of charge.  A method without waveforms has no row."""
    rows = []
    with EventStore(events) as store, Predictions(before) as old, Predictions(after) as new:
        old.check_matches(store)
        new.check_matches(store)
        for image in tqdm(range(len(store)), desc=method, unit="image", disable=None) if new.has("denoised") else ():
            for view in PLANE_FAMILIES[plane]:
                good = ~store.bad(view, image)
                if not good.any():
                    continue
                key = (plane, method, sample, *store.event_id(image), int(store.apa[image]), view)
                truth = roi_truth(store.charge_image(view, image)[good])
                made = (_made(old, view, image, good), _made(new, view, image, good))
                bins = recovered(*made, store.clean(view, image)[good], truth, plane)
                rows += [dict(zip(COLUMNS, (*key, *item), strict=True)) for item in bins]
    write_table(output, rows, COLUMNS)
    log.info("%s: %d values", output, len(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("score_injection", lambda: run(a.plane, a.method, a.sample, a.events, a.before, a.after, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
