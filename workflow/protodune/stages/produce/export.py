"""Write what a method made of a sample as a ROOT file: denoised waveforms and regions of interest."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator

from protodune.core.provenance import versions
from protodune.events.products import Products
from protodune.events.store import EventStore
from protodune.events.truth import LABEL_ADC
from protodune.rawio.export import DenoisedPlane, write_denoised
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("export", __doc__)
    p.add_argument("--events", required=True, help="HDF5 event store")
    p.add_argument(
        "--products", required=True, nargs="+", help="product files with denoised waveforms, one per plane family"
    )
    p.add_argument("--output", required=True, help="ROOT file to write")
    return p


def run(events: str, products: list[str], output: str) -> None:
    """Write all good channels of all planes that the product files hold."""
    with EventStore(events) as store:
        about = {
            "events": events, "products": products, "detector": store.detector.name,
            "region_threshold_adc": LABEL_ADC, "versions": versions("uproot", "numpy"),
        }  # fmt: skip
        channels, regions = write_denoised(output, _planes(store, products), store.ticks, about)
    log.info("%s: %d channels, %d regions of interest", output, channels, regions)


def _planes(store: EventStore, products: list[str]) -> Iterator[DenoisedPlane]:
    for path in products:
        with Products(path) as found:
            found.check_matches(store)
            for image in range(len(store)):
                for plane in store.family(found.family, image):
                    good = ~store.bad(plane.name, image)
                    if good.any():
                        adc, channel = found.image("denoised", plane.name, image), store.channel(plane.name, image)
                        least = LABEL_ADC * plane.adc_scale
                        yield DenoisedPlane(store.event_id(image), channel[good], adc[good], least)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("export", lambda: run(a.events, a.products, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
