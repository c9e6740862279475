"""Simulated signals on recorded digits."""

import numpy as np
import pytest

from helpers import TICKS, small_sample
from protodune.core.errors import ProtoduneError
from protodune.events.store import EventStore
from protodune.simulation.injection import injected_event

SIGNALS = {"preset": "clean", "content": "ideal_tracks", "effects": {"coherent_noise": False, "pedestal_spread": False}}


def test_digits_are_what_was_recorded_plus_the_signals(store_file):
    settings = small_sample(sample="signals", seed=11, simulation=SIGNALS)
    with EventStore(store_file) as store:
        event = injected_event(store, [0], settings, 1)
        assert event.event_id == store.event_id(0)
        assert event.adc.shape[1] == TICKS
        for name in store.detector.plane_names:
            plane, good = store.plane(name, 0), ~store.bad(name, 0)
            rows = np.isin(event.channel, plane.channels)
            assert np.array_equal(event.channel[rows], plane.channels[good])
            added = event.adc[rows].astype(int) - store.adc(name, 0)[good]
            assert np.abs(added - event.clean[rows] * store.detector.adc_per_count).max() <= 0.5
            assert added.max() > 10
        assert np.isin(event.charge.channel, event.channel).all()


def test_signals_of_another_detector_are_refused(store_file):
    settings = small_sample(sample="signals", detector="plugins.small_detector", simulation=SIGNALS)
    with EventStore(store_file) as store, pytest.raises(ProtoduneError, match="was recorded with protodune_sp"):
        injected_event(store, [0], settings, 1)
