"""Whole events of the embedded simulation, in the shape in which raw files give them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from protodune.geometry import PLANES, plane_channels
from protodune.rawio.events import ChargeTable, RawEvent
from protodune.simulation.apa import simulate_apa
from protodune.simulation.settings import SampleSettings


def simulate_events(settings: SampleSettings) -> Iterator[RawEvent]:
    """Yield the events of a sample one at a time; event e, APA a depend on (seed, e, a) only."""
    for event in range(1, settings.events + 1):
        images = {}
        for apa in sorted(settings.apas):
            rng = np.random.default_rng([settings.seed, event, apa])
            for plane, image in simulate_apa(rng, apa, settings.simulation).items():
                images[apa, plane] = (plane_channels(plane, apa), image)
        channels, planes = zip(*(images[apa, plane] for apa in sorted(settings.apas) for plane in PLANES), strict=True)
        channel = np.concatenate(channels)
        charge_channel = np.concatenate([c[i.charge_row] for c, i in zip(channels, planes, strict=True)])
        yield RawEvent(
            settings.run,
            0,
            event,
            channel,
            np.concatenate([i.adc for i in planes]),
            np.full(len(channel), settings.simulation.ticks, np.int64),
            np.concatenate([i.pedestal for i in planes]),
            clean=np.concatenate([i.clean for i in planes]),
            charge=ChargeTable(
                charge_channel,
                np.concatenate([i.charge_tick for i in planes]).astype(np.int32),
                np.concatenate([i.electrons for i in planes]).astype(np.float32),
                np.full(len(charge_channel), -1, np.int32),  # not recorded by this simulation
            ),
        )
