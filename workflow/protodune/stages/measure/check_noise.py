"""Check one method on one sample without any truth: noise, boards, spectra and pulses before and after."""

from __future__ import annotations

import argparse
import logging

from tqdm import tqdm

from protodune.detector.geometry import PLANE_FAMILIES
from protodune.measure.noise import Row, check_plane
from protodune.events.predictions import Predictions
from protodune.stages.command import run_stage
from protodune.stages.per_method import method_parser
from protodune.events.store import EventStore
from protodune.core.tables import IMAGE_COLUMNS, write_table

log = logging.getLogger(__name__)
COLUMNS = [*IMAGE_COLUMNS, *Row._fields]


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    return method_parser("check_noise", __doc__)


def run(plane: str, method: str, sample: str, events: str, predictions: str, output: str) -> None:
    """Check one prediction file; one row an image, quantity and place.  A method without waveforms has no row."""
    rows = []
    with EventStore(events) as store, Predictions(predictions) as found:
        found.check_matches(store)
        for image in tqdm(range(len(store)), desc=method, unit="image", disable=None) if found.has("denoised") else ():
            for view in PLANE_FAMILIES[plane]:
                key = (plane, method, sample, *store.event_id(image), int(store.apa[image]), view)
                checks = check_plane(
                    store.waveforms(view, image),
                    found.denoised(view, image),
                    view,
                    store.channel(view, image),
                    ~store.bad(view, image),
                )
                rows += [dict(zip(COLUMNS, (*key, *check), strict=True)) for check in checks]
    write_table(output, rows, COLUMNS)
    log.info("%s: %d values", output, len(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("check_noise", lambda: run(a.plane, a.method, a.sample, a.events, a.predictions, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
