"""Known simulated signals on top of recorded events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from protodune.core.errors import ProtoduneError
from protodune.events.store import EventStore
from protodune.events.types import ChargeTable, RawEvent
from protodune.simulation.events import simulate_event
from protodune.simulation.settings import SampleSettings


def injected_events(store: EventStore, settings: SampleSettings) -> Iterator[RawEvent]:
    """Yield the events of a recording, each with the signals of the event of the same number (from 1) of ``settings``."""
    for number, row in enumerate(np.unique(store.event_row), start=1):
        yield injected_event(store, np.flatnonzero(store.event_row == row).tolist(), settings, number)


def injected_event(store: EventStore, images: list[int], settings: SampleSettings, number: int) -> RawEvent:
    """Return the recorded ``images`` of one event with the signals of event ``number`` of ``settings`` on top.

    The signals are rounded to whole ADC, on channels that carry waveforms only; ``clean`` and ``charge`` are those of the
    signals alone.  What was recorded keeps its noise, pedestals, sticky codes and own signals.  Units and ticks are the
    recording's, and so must be the detector.
    """
    detector = store.detector
    if settings.detector != detector.name:
        raise ProtoduneError(
            f"sample {settings.sample}: signals in detector {settings.detector}, but {store.path} was recorded with "
            f"{detector.name}; mend 'detector' in the sample sheet"
        )
    units = tuple(int(store.unit[i]) for i in images)
    wanted = replace(settings, units=units, simulation=replace(settings.simulation, ticks=store.ticks))
    signal = simulate_event(wanted, number)
    channels, adcs, cleans, pedestals = [], [], [], []
    for image in images:
        for name in detector.plane_names:
            plane = store.plane(name, image)
            start = int(np.searchsorted(signal.channel, plane.first_channel))
            clean = signal.clean[start : start + plane.n_channels]
            good = ~store.bad(name, image)
            adc = store.adc(name, image).astype(np.int32) + np.rint(clean * detector.adc_per_count).astype(np.int32)
            channels.append(store.channel(name, image)[good])
            adcs.append(np.clip(adc[good], 0, plane.electronics.adc_max).astype(np.int16))
            cleans.append(clean[good])
            pedestals.append(store.pedestal(name, image)[good])
    charge, there = signal.charge, np.isin(signal.charge.channel, np.concatenate(channels))
    return RawEvent(
        *store.event_id(images[0]),
        np.concatenate(channels),
        np.concatenate(adcs),
        np.full(sum(map(len, channels)), store.ticks),
        np.concatenate(pedestals),
        clean=np.concatenate(cleans),
        charge=ChargeTable(*(getattr(charge, k)[there] for k in vars(charge))),
        particles=signal.particles,
    )
