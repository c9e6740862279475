"""Add known simulated signals to a recorded sample."""

from __future__ import annotations

import argparse
import dataclasses
import logging
from dataclasses import replace

import numpy as np

from protodune.core.errors import ProtoduneError
from protodune.detector.geometry import ADC_MAX, PLANES
from protodune.core.provenance import versions
from protodune.events.types import CLEAN_ADC_PER_COUNT, ChargeTable, RawEvent
from protodune.core.settings import parse_settings
from protodune.simulation.events import simulate_event
from protodune.simulation.settings import SampleSettings
from protodune.stages.command import run_stage, stage_parser
from protodune.events.store import EventStore, EventWriter

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("inject", __doc__)
    p.add_argument(
        "--settings", required=True, help="JSON of SampleSettings: the signals; APAs and ticks are the recording's"
    )
    p.add_argument("--events", required=True, help="HDF5 event store of the recording")
    p.add_argument("--output", required=True, help="HDF5 event store to write")
    return p


def injected_event(store: EventStore, images: list[int], settings: SampleSettings, number: int) -> RawEvent:
    """Return the recorded ``images`` of one event with the signals of event ``number`` of ``settings`` on top.

    The signals are rounded to whole ADC, on channels that carry waveforms only; ``clean`` and ``charge`` are those of the
    signals alone.  What was recorded keeps its noise, pedestals, sticky codes and own signals.
    """
    apas = tuple(int(store.apa[i]) for i in images)
    wanted = replace(settings, apas=apas, simulation=replace(settings.simulation, ticks=store.ticks))
    signal = simulate_event(wanted, number)
    channels, adcs, cleans, pedestals = [], [], [], []
    for image in images:
        for plane, info in PLANES.items():
            first = int(store.channel(plane, image)[0])
            start = int(np.searchsorted(signal.channel, first))
            clean = signal.clean[start : start + info.n_channels]
            good = ~store.bad(plane, image)
            adc = store.adc(plane, image).astype(np.int32) + np.rint(clean * CLEAN_ADC_PER_COUNT).astype(np.int32)
            channels.append(store.channel(plane, image)[good])
            adcs.append(np.clip(adc[good], 0, ADC_MAX).astype(np.int16))
            cleans.append(clean[good])
            pedestals.append(store.pedestal(plane, image)[good])
    charge, there = signal.charge, np.isin(signal.charge.channel, np.concatenate(channels))
    run, subrun, event = store.event_id(images[0])
    return RawEvent(
        run,
        subrun,
        event,
        np.concatenate(channels),
        np.concatenate(adcs),
        np.full(sum(map(len, channels)), store.ticks),
        np.concatenate(pedestals),
        clean=np.concatenate(cleans),
        charge=ChargeTable(*(getattr(charge, k)[there] for k in vars(charge))),
        particles=signal.particles,
    )


def run(settings: SampleSettings, events: str, output: str) -> None:
    """Write the recording with the signals on top, and the truth of the signals alone."""
    about = {
        "sample": settings.sample, "injected": dataclasses.asdict(settings), "seed": settings.seed, "recording": events,
        "versions": versions("numpy", "scipy"),
    }  # fmt: skip
    with EventStore(events) as store:
        if len(store) == 0:
            raise ProtoduneError(f"{events}: holds no image, expected a recording with at least one; check its conversion")
        about["recorded"] = store.about
        with EventWriter.open(output, store.ticks, with_clean=True, with_charge=True, about=about) as writer:
            for number, row in enumerate(np.unique(store.event_row), start=1):
                images = np.flatnonzero(store.event_row == row).tolist()
                event = injected_event(store, images, settings, number)
                writer.append(event)
                log.info("event %s: signals on %d channels", event.event_id, len(np.unique(event.charge.channel)))
    log.info("%s: %d events", output, number)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("inject", lambda: run(parse_settings(SampleSettings, a.settings), a.events, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
