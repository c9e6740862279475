"""Write the predictions of a method for a sample as a ROOT file: denoised waveforms and regions of interest."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator

from protodune.detector.geometry import PLANE_FAMILIES
from protodune.events.predictions import Predictions
from protodune.core.provenance import versions
from protodune.rawio.export import DenoisedPlane, write_denoised
from protodune.stages.command import run_stage, stage_parser
from protodune.events.store import EventStore

log = logging.getLogger(__name__)
ROI_THRESHOLD_ADC = 3.5
"""The size from which a pixel counts as signal: 500 electrons at the nominal peak gain."""


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("export", __doc__)
    p.add_argument("--events", required=True, help="HDF5 event store")
    p.add_argument("--predictions", required=True, nargs="+", help="prediction files, one a plane family")
    p.add_argument("--output", required=True, help="ROOT file to write")
    return p


def run(events: str, predictions: list[str], output: str) -> None:
    """Write all good channels of all planes that the prediction files hold."""
    about = {"events": events, "predictions": predictions, "versions": versions("uproot", "numpy")}
    with EventStore(events) as store:
        planes = _planes(store, predictions)
        channels, regions = write_denoised(output, planes, store.ticks, ROI_THRESHOLD_ADC, about)
    log.info("%s: %d channels, %d regions of interest", output, channels, regions)


def _planes(store: EventStore, predictions: list[str]) -> Iterator[DenoisedPlane]:
    for path in predictions:
        with Predictions(path) as found:
            found.check_matches(store)
            for image in range(len(store)):
                for view in PLANE_FAMILIES[found.about["family"]]:
                    good = ~store.bad(view, image)
                    if good.any():
                        adc = found.denoised(view, image)[good]
                        yield DenoisedPlane(store.event_id(image), store.channel(view, image)[good], adc)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("export", lambda: run(a.events, a.predictions, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
