"""Add known simulated signals to a recorded sample."""

from __future__ import annotations

import argparse
import dataclasses
import logging

from protodune.classical.pedestal import estimate_pedestal
from protodune.core.errors import ProtoduneError
from protodune.core.provenance import versions
from protodune.core.settings import parse_settings
from protodune.events.store import EventStore, EventWriter
from protodune.simulation.injection import injected_events
from protodune.simulation.settings import SampleSettings
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("inject", __doc__)
    p.add_argument(
        "--settings", required=True, help="JSON of SampleSettings: the signals; units and ticks are the recording's"
    )
    p.add_argument("--events", required=True, help="HDF5 event store of the recording")
    p.add_argument("--output", required=True, help="HDF5 event store to write")
    return p


def run(settings: SampleSettings, events: str, output: str) -> None:
    """Write the recording with the signals on top, and the truth of the signals alone."""
    about = {
        "sample": settings.sample, "injected": dataclasses.asdict(settings), "seed": settings.seed, "recording": events,
        "versions": versions("numpy", "scipy"),
    }  # fmt: skip
    with EventStore(events) as store:
        if len(store) == 0:
            raise ProtoduneError(f"{events}: holds no image, expected a recording with at least one; check its conversion")
        truth = {"with_clean": True, "with_charge": True}
        about["recorded"] = store.about
        opened = EventWriter.open(output, store.detector, store.ticks, estimate=estimate_pedestal, **truth, about=about)
        with opened as writer:
            for event in injected_events(store, settings):
                writer.append(event)
                log.info("event %s: signals on %d channels", event.event_id, len(set(event.charge.channel.tolist())))
    log.info("%s: %d events", output, writer.n_events)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("inject", lambda: run(parse_settings(SampleSettings, a.settings), a.events, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
