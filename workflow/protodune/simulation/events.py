"""Whole events of the embedded simulation, in the shape in which raw files give them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from protodune.detector.registry import find_detector
from protodune.events.types import ChargeTable, RawEvent
from protodune.simulation.drift import ionise
from protodune.simulation.particles import make_event
from protodune.simulation.settings import SampleSettings
from protodune.simulation.unit import simulate_unit


def simulate_events(settings: SampleSettings) -> Iterator[RawEvent]:
    """Yield the events of a sample one at a time; what passes through event e depends on (seed, e), its noise in unit u on
    (seed, e, u), the state of the channels on the detector's seed."""
    for event in range(1, settings.events + 1):
        yield simulate_event(settings, event)


def simulate_event(settings: SampleSettings, number: int) -> RawEvent:
    """Simulate event ``number`` (from 1) of a sample."""
    detector, ticks = find_detector(settings.detector), settings.ticks
    rng = np.random.default_rng([settings.seed, number])
    truth = make_event(rng, settings, number)
    electrons = ionise(rng, truth.steps, settings.simulation)
    units = [detector.units[unit] for unit in sorted(settings.units)]
    channel = np.concatenate([plane.channels for unit in units for plane in unit.planes.values()])
    # Filled in place: a whole event held twice would be most of the memory.
    adc, clean = (np.empty((len(channel), ticks), np.int16) for _ in range(2))
    n_ticks, pedestal = np.empty(len(channel), np.int64), np.empty(len(channel), np.float32)
    charges: list[ChargeTable] = []
    first = 0
    for unit in units:
        noise = np.random.default_rng([settings.seed, number, unit.number])
        images = simulate_unit(noise, detector, unit, truth.steps, electrons, ticks, settings.simulation)
        for name in unit.planes:
            image = images.pop(name)
            rows = slice(first, first + len(image.adc))
            adc[rows], clean[rows] = image.adc, image.clean
            n_ticks[rows], pedestal[rows] = image.n_ticks, image.pedestal
            track = image.particle.astype(np.int32)
            charges.append(ChargeTable(channel[rows][image.charge_row], image.charge_tick, image.electrons, track))
            first = rows.stop
    charge = ChargeTable(*(np.concatenate([getattr(c, k) for c in charges]) for k in vars(charges[0])))
    charge.tick = charge.tick.astype(np.int32)
    return RawEvent(
        settings.run, 0, number, channel, adc, n_ticks, pedestal, clean=clean, charge=charge, particles=truth.particles
    )
