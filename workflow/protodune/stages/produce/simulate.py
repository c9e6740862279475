"""Simulate a sample and write it as a flat ROOT file, as real data would come."""

from __future__ import annotations

import argparse
import dataclasses
import logging
from collections.abc import Iterator

from tqdm import tqdm

from protodune.core.provenance import versions
from protodune.core.settings import parse_settings
from protodune.events.types import RawEvent
from protodune.rawio.flat import write_flat
from protodune.simulation.events import simulate_events
from protodune.simulation.settings import SampleSettings
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("simulate", __doc__)
    p.add_argument("--settings", required=True, help="JSON of SampleSettings")
    p.add_argument("--output", required=True, help="ROOT file to write")
    return p


def run(settings: SampleSettings, output: str) -> None:
    """Simulate all events of the sample into ``output``."""

    def events() -> Iterator[RawEvent]:
        for event in tqdm(simulate_events(settings), total=settings.events, unit="event", disable=None):
            log.info("event %d: %d channels, %d charge pixels", event.event, len(event.channel), len(event.charge.tick))
            yield event
            del event  # before the next one is made

    about = {
        "settings": dataclasses.asdict(settings),
        "seed": settings.seed,
        "versions": versions("numpy", "scipy", "uproot"),
    }
    write_flat(output, events(), settings.ticks, about, settings.detector)
    log.info("%s: %d events", output, settings.events)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    args = parser().parse_args(argv)
    return run_stage("simulate", lambda: run(parse_settings(SampleSettings, args.settings), args.output))


if __name__ == "__main__":
    raise SystemExit(main())
