"""Whole events of the embedded simulation, in the shape in which raw files give them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from protodune.geometry import PLANES, plane_channels
from protodune.rawio.events import ChargeTable, RawEvent
from protodune.simulation.apa import simulate_apa
from protodune.simulation.drift import ionise
from protodune.simulation.particles import make_event
from protodune.simulation.settings import SampleSettings


def simulate_events(settings: SampleSettings) -> Iterator[RawEvent]:
    """Yield the events of a sample one at a time; what passes through event e depends on (seed, e), its noise in APA a on
    (seed, e, a), the state of the channels on the detector's seed."""
    for event in range(1, settings.events + 1):
        yield simulate_event(settings, event)


def simulate_event(settings: SampleSettings, number: int) -> RawEvent:
    """Simulate event ``number`` (from 1) of a sample."""
    rng = np.random.default_rng([settings.seed, number])
    truth = make_event(rng, settings, number)
    electrons = ionise(rng, truth.steps, settings.simulation)
    channels, planes = [], []
    for apa in sorted(settings.apas):
        noise = np.random.default_rng([settings.seed, number, apa])
        images = simulate_apa(noise, apa, truth.steps, electrons, settings.simulation)
        channels += [plane_channels(plane, apa) for plane in PLANES]
        planes += [images[plane] for plane in PLANES]
    channel = np.concatenate(channels)
    return RawEvent(
        settings.run,
        0,
        number,
        channel,
        np.concatenate([i.adc for i in planes]),
        np.concatenate([i.n_samples for i in planes]),
        np.concatenate([i.pedestal for i in planes]),
        clean=np.concatenate([i.clean for i in planes]),
        charge=ChargeTable(
            np.concatenate([c[i.charge_row] for c, i in zip(channels, planes, strict=True)]),
            np.concatenate([i.charge_tick for i in planes]).astype(np.int32),
            np.concatenate([i.electrons for i in planes]),
            np.concatenate([i.particle for i in planes]).astype(np.int32),
        ),
        particles=truth.particles,
    )
