import json

import numpy as np
import pytest

from helpers import DATA, small_sample
from protodune.detector.known.protodune_sp import DETECTOR
from protodune.events.store import EventStore
from protodune.rawio.flat import write_flat
from protodune.simulation.events import simulate_events
from protodune.simulation.injection import injected_event
from protodune.simulation.settings import SampleSettings, SimulationSettings
from protodune.stages.produce import convert, inject


def signals(**changes):
    simulation = SimulationSettings.of_preset("clean", **{"cosmics_per_unit": 30.0, **changes})
    return SampleSettings("injected", 11, 1, (0,), simulation)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recording")
    sample = small_sample(events=2, units=(1, 4), simulation={"cosmics_per_unit": 5.0, "effects": {"dead_channels": True}})
    write_flat(folder / "s.root", simulate_events(sample), sample.simulation.ticks, {})
    convert.run(convert.ConvertSettings("s", "data"), str(folder / "s.root"), None, str(folder / "s.h5"))
    return str(folder / "s.h5")


@pytest.fixture(scope="module")
def injected(recording, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("injected") / "i.h5")
    inject.run(signals(), recording, path)
    return path


def test_signals_are_added_and_nothing_else(recording, injected):
    with EventStore(recording) as old, EventStore(injected) as new:
        assert new.has_clean
        assert new.has_charge
        assert [new.event_id(i) for i in range(len(new))] == [old.event_id(i) for i in range(len(old))]
        assert new.unit.tolist() == old.unit.tolist() == [1, 4, 1, 4]
        added = 0
        for image in range(len(new)):
            for plane in DETECTOR.plane_names:
                good = ~old.bad(plane, image)
                difference = new.adc(plane, image)[good].astype(int) - old.adc(plane, image)[good]
                clean = new.clean(plane, image)[good]
                inside = np.abs(new.adc(plane, image)[good] - 2048) < 2047
                assert np.abs(difference - clean)[inside].max() <= 0.5
                assert not new.clean(plane, image)[~good].any(), "a bad channel gets no signal"
                assert not new.charge_image(plane, image)[~good].any()
                added += int((difference != 0).sum())
        assert added > 10_000
        first, second = (new.clean("X", i) for i in (0, 2))
        assert not np.array_equal(first, second), "each event has signals of its own"


def test_the_store_says_what_was_injected(recording, injected):
    with EventStore(injected) as store:
        assert store.about["recording"] == recording
        assert store.about["injected"]["seed"] == 11
        assert store.about["sample"] == "injected"


def test_the_same_seed_gives_the_same_signals(recording):
    with EventStore(recording) as store:
        a, b = (injected_event(store, [0, 1], signals(), 1) for _ in range(2))
    assert np.array_equal(a.adc, b.adc)


def test_real_digits_with_few_channels_take_signals(tmp_path):
    settings = convert.ConvertSettings("run", "data")
    convert.run(settings, str(DATA / "art_decoder_data.root"), None, str(tmp_path / "run.h5"))
    inject.run(signals(cosmics_per_unit=60.0), str(tmp_path / "run.h5"), str(tmp_path / "i.h5"))
    with EventStore(tmp_path / "run.h5") as old, EventStore(tmp_path / "i.h5") as new:
        assert len(new) == len(old)
        for plane in DETECTOR.plane_names:
            assert np.array_equal(new.bad(plane, 0), old.bad(plane, 0)), "channels that are not there stay missing"


def test_settings_of_an_injection_are_json(recording, tmp_path):
    settings = {
        "sample": "x",
        "seed": 1,
        "events": 1,
        "units": [0],
        "simulation": {"preset": "clean", "cosmics_per_unit": 1},
    }
    assert inject.main(["--settings", json.dumps(settings), "--events", recording, "--output", str(tmp_path / "o.h5")]) == 0
