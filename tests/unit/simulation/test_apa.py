import numpy as np
import pytest
from protodune.simulation.toy import simulate_events

from helpers import small_sample
from protodune.errors import ProtoduneError
from protodune.geometry import DRIFT_SPEED_MM_PER_US, PLANES, TICK_US, WIRE_PLANES, drift_facing_rows
from protodune.simulation.apa import Arrivals, charge_on_wires, drift, simulate_apa
from protodune.simulation.settings import SampleSettings, SimulationSettings
from protodune.simulation.tracks import Depositions, cosmic_segments, deposit, recombination

QUIET = SimulationSettings(ticks=1024, incoherent_noise=0.0, coherent_noise=0.0, tracks_per_apa=10)


def test_recombination_box_model():
    assert recombination(np.array([1.7, 2.1, 4.0, 20.0]), 0.5) == pytest.approx([0.714, 0.704, 0.626, 0.318], abs=0.003)


def test_minimum_ionising_charge():
    settings = SimulationSettings(landau_width_mev_per_cm=0.0)
    start, stop = np.array([0.0, 100.0, 100.0]), np.array([0.0, 1100.0, 100.0])
    found = deposit(np.random.default_rng(1), [(start, stop, 0.0)], settings)
    assert found.electrons.mean() == pytest.approx(5146, rel=0.005)  # e/mm, box model at 1.7 MeV/cm
    assert len(found.electrons) == 1000


def test_segments_stay_in_the_drift_volume():
    segments = cosmic_segments(np.random.default_rng(3), SimulationSettings(tracks_per_apa=200))
    points = np.array([p for s in segments for p in s[:2]])
    assert points.min() > -1e-6
    assert points[:, 0].max() < 3580 + 1e-6
    assert points[:, 1].max() < 6060 + 1e-6
    assert all(s[0][1] >= s[1][1] for s in segments), "muons come from above"


def test_attenuation_and_diffusion():
    depositions = Depositions(np.array([0.0, 1600.0]), *np.zeros((3, 2)), np.array([1000.0, 1000.0]))
    found = drift(depositions, SimulationSettings(lifetime_us=1000.0))
    assert found.electrons == pytest.approx([1000, 1000 * np.exp(-1)])
    assert found.tick == pytest.approx([0, 1600 / DRIFT_SPEED_MM_PER_US / TICK_US])
    assert found.sigma_tick[1] * TICK_US * DRIFT_SPEED_MM_PER_US == pytest.approx(np.sqrt(2 * 7.2e-4 * 1000))
    assert found.sigma_mm[1] == pytest.approx(np.sqrt(2 * 1.2e-3 * 1000))


def test_charge_lands_on_its_wire_and_tick_and_none_is_lost():
    wires = WIRE_PLANES[0, "X"]
    z = wires.first_mm + 100 * wires.pitch_mm
    one = np.ones(1)
    arrivals = Arrivals(3000 * one, z * one, 200.5 * one, 1.0 * one, 1.0 * one, 1000.0 * one)
    grid = charge_on_wires(arrivals, wires, 1024)
    assert grid.sum() == pytest.approx(1000, rel=1e-5)
    assert np.unravel_index(grid.argmax(), grid.shape) == (100, 200 + 128)


def test_digits_are_pedestal_plus_clean():
    images = simulate_apa(np.random.default_rng(1), 1, QUIET)
    for plane, image in images.items():
        assert image.adc.shape == image.clean.shape == (PLANES[plane].n_channels, 1024)
        expected = np.clip(np.rint(image.pedestal[:, None] + image.clean * 0.125), 0, 4095)
        assert np.abs(image.adc - expected).max() <= 1


def test_only_the_drift_facing_half_of_collection_sees_charge():
    for apa in (0, 1):
        clean = simulate_apa(np.random.default_rng(1), apa, QUIET)["X"].clean
        facing = np.zeros(960, bool)
        facing[drift_facing_rows("X", apa)] = True
        assert np.abs(clean[facing]).max() > 100
        assert np.abs(clean[~facing]).max() == 0


def test_true_charge_explains_the_collection_signal():
    image = simulate_apa(np.random.default_rng(2), 0, QUIET)["X"]
    assert image.clean.sum() * 0.125 / image.electrons.sum() * 1000 == pytest.approx(41.4, rel=0.02)


def test_no_track_is_pure_noise():
    event = next(simulate_events(small_sample(simulation={"tracks_per_apa": 0})))
    assert np.abs(event.clean).max() == 0
    assert len(event.charge.tick) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lifetime_us": -1.0}, "lifetime_us: found -1.0, expected a number above 0"),
        ({"coherent_noise": -0.5}, "coherent_noise: found -0.5, expected 0 or more"),
    ],
)
def test_impossible_physics_is_refused(settings, message):
    with pytest.raises(ProtoduneError, match=message):
        SimulationSettings(**settings)


def test_impossible_samples_are_refused():
    with pytest.raises(ProtoduneError, match=r"apas \[6\], expected numbers from 0 to 5"):
        SampleSettings("a", 1, 1, (6,), QUIET)
    with pytest.raises(ProtoduneError, match="0 events"):
        SampleSettings("a", 1, 0, (0,), QUIET)
