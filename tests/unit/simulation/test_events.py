import dataclasses

import numpy as np
import pytest

from helpers import small_sample
from protodune.classical.pedestal import estimate_pedestal
from protodune.core.errors import ProtoduneError
from protodune.core.settings import build
from protodune.detector.known.protodune_sp import DETECTOR, ELECTRONICS
from protodune.detector.response import pulser_kernel
from protodune.simulation.conditions import channel_conditions
from protodune.simulation.drift import Arrivals, charge_on_wires, drift
from protodune.simulation.events import simulate_event
from protodune.simulation.readout import ac_coupled, stick, tail_ticks
from protodune.simulation.settings import PRESETS, SampleSettings, SimulationSettings
from protodune.simulation.steps import Steps
from protodune.simulation.unit import largest_contributors

PLANES = DETECTOR.units[1].planes
COLLECTION = PLANES["X"]


def event_of(preset="clean", effects=None, units=(1,), seed=7, number=1, **changes):
    settings = {"ticks": 1024, "cosmics_per_unit": 30.0, **changes}
    return simulate_event(
        SampleSettings("s", seed, number, units, SimulationSettings.of_preset(preset, effects, **settings)), number
    )


def steps_at(distance, unit=0):
    x = (3594.0 - distance) * DETECTOR.units[unit].side
    one = np.ones(1)
    return Steps(np.array([[x, 3000.0, 500.0]]), one, one, 0 * one, np.ones(1, np.int32))


def drifted(steps, electrons, unit, face, settings):
    return drift(DETECTOR, DETECTOR.units[unit], face, steps, electrons, settings)


def test_attenuation_and_diffusion():
    settings = SimulationSettings(lifetime_us=1000.0)
    tick_us, speed = DETECTOR.tick_us, DETECTOR.drift_speed_mm_per_us
    found = drifted(steps_at(1600.0), np.array([1000.0]), 0, 0, settings)
    assert found.electrons == pytest.approx([1000 * np.exp(-1)])
    assert found.tick == pytest.approx([500 + 1600 / speed / tick_us])
    assert found.sigma_tick[0] * tick_us * speed == pytest.approx(np.sqrt(2 * 7.2e-4 * 1000))
    assert found.sigma_mm[0] == pytest.approx(np.sqrt(2 * 1.2e-3 * 1000))
    off = dataclasses.replace(settings, effects=dataclasses.replace(settings.effects, attenuation=False, diffusion=False))
    plain = drifted(steps_at(1600.0), np.array([1000.0]), 0, 0, off)
    assert plain.electrons == pytest.approx([1000])
    assert plain.sigma_tick.tolist() == plain.sigma_mm.tolist() == [0]


@pytest.mark.parametrize("unit", range(6))
def test_every_unit_collects_what_drifts_to_it(unit):
    settings = SimulationSettings()
    shift = unit // 2 * 2320.6
    for distance, seen in ((1000.0, True), (-120.0, False), (7100.0, False)):  # own volume, behind, the other side
        steps = steps_at(distance, unit)
        steps.position[0, 2] += shift
        facing = 0 if unit % 2 == 0 else 1
        assert len(drifted(steps, np.ones(1), unit, facing, settings).tick) == seen
        wall = drifted(steps, np.ones(1), unit, 1 - facing, settings)
        assert len(wall.tick) == (distance == -120.0)


def test_charge_lands_on_its_wire_and_tick_and_none_is_lost():
    wires = COLLECTION.wires[0]
    z = wires.first_mm + 100 * wires.pitch_mm
    one = np.ones(1)
    arrivals = Arrivals(3000 * one, z * one, 200.5 * one, 1.0 * one, 1.0 * one, 1000.0 * one, np.ones(1, np.int32))
    found = charge_on_wires(arrivals, wires, 0, 1024)
    assert found.electrons.sum() == pytest.approx(1000, rel=1e-4)
    largest = found.electrons.argmax()
    assert (found.wire[largest], found.tick[largest]) == (100, 200)


def test_largest_contributors(rng):
    key, particle = rng.integers(0, 50, 2000), rng.integers(1, 6, 2000)
    electrons = rng.uniform(1, 10, 2000)
    keys, total, who = largest_contributors(key, electrons, particle)
    for k, t, w in zip(keys, total, who, strict=True):
        here = np.bincount(particle[key == k], weights=electrons[key == k])
        assert t == pytest.approx(here.sum())
        assert w == here.argmax()
    assert len(keys) == len(np.unique(key))


def test_the_truth_names_listed_particles():
    event = event_of()
    assert len(event.charge.track) > 1000
    assert set(event.charge.track) <= set(event.particles["id"])
    assert (event.charge.electrons >= 10).all()
    largest = event.particles[event.charge.track[event.charge.electrons.argmax()] - 1]
    assert largest["class"] > 0


def test_digits_are_pedestal_plus_clean():
    event = event_of(effects={"pedestal_spread": True})
    expected = np.clip(np.rint(event.pedestal[:, None] + event.clean * 0.125), 0, 4095)
    assert np.abs(event.adc - expected).max() <= 1


def test_true_charge_explains_the_collection_signal():
    event = event_of("clean", content="ideal_tracks", ticks=2048, ideal_theta_xz_deg=(0.0, 45.0), ideal_length_mm=500.0)
    collection = event.channel % 2560 >= 1600
    charge = event.charge.electrons[event.charge.channel % 2560 >= 1600].sum()
    assert event.clean[collection].sum() * 0.125 / charge * 1000 == pytest.approx(41.4, rel=0.02)


def test_wall_facing_wires_see_little_and_only_with_the_switch():
    facing = np.zeros(960, bool)
    facing[COLLECTION.drift_slice] = True
    for switch in (True, False):
        clean = event_of(effects={"wall_side": switch}, cosmics_per_unit=100.0).clean[1600:]
        assert np.abs(clean[facing]).max() > 1000
        assert (np.abs(clean[~facing]).max() > 0) == switch
        assert np.abs(clean[~facing]).sum() < 0.2 * np.abs(clean[facing]).sum()


def test_the_same_seed_gives_the_same_bytes_whatever_else_is_simulated():
    alone, together = event_of("realistic", units=(1,)), event_of("realistic", units=(0, 1))
    here = together.channel // 2560 == 1
    assert np.array_equal(alone.adc, together.adc[here])
    assert np.array_equal(alone.clean, together.clean[here])
    assert not np.array_equal(alone.adc, event_of("realistic", units=(1,), seed=8).adc)
    assert not np.array_equal(alone.adc, event_of("realistic", units=(1,), number=2).adc)


def test_the_detector_is_the_same_in_every_event():
    settings = SimulationSettings()
    plane = DETECTOR.plane(2, "X")
    one, two = (channel_conditions(DETECTOR, plane, settings) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(vars(one).values(), vars(two).values(), strict=True))
    other = channel_conditions(DETECTOR, plane, dataclasses.replace(settings, detector_seed=2))
    assert not np.array_equal(one.pedestal, other.pedestal)
    assert one.pedestal.std() == pytest.approx(20, rel=0.1)
    assert one.gain.std() == pytest.approx(0.03, rel=0.1)
    dead = np.mean([channel_conditions(DETECTOR, p, settings).dead.mean() for p in DETECTOR.planes()])
    assert dead == pytest.approx(0.004, rel=0.4)


def test_presets_switch_effects_off_and_settings_switch_them_on_again():
    assert all(vars(SimulationSettings().effects).values())
    dunedn = build(SimulationSettings, {"preset": "dunedn", "effects": {"coherent_noise": True}}, "s")
    assert dunedn.effects.incoherent_noise
    assert dunedn.effects.coherent_noise
    assert not dunedn.effects.sticky_codes
    assert dunedn == SimulationSettings.of_preset("dunedn", {"coherent_noise": True})
    for name, off in PRESETS.items():
        effects = SimulationSettings.of_preset(name).effects
        assert [e for e, on in vars(effects).items() if not on] == sorted(off, key=list(vars(effects)).index)


def test_dead_and_noisy_channels():
    event = event_of("realistic", effects={"noisy_channels": True}, dead_fraction=0.02, noisy_fraction=0.02)
    rms = estimate_pedestal(event.adc, COLLECTION)[1]
    assert (rms < 0.5).mean() == pytest.approx(0.02, rel=0.5)
    assert (rms > 30).mean() == pytest.approx(0.02, rel=0.5)
    conditions = channel_conditions(DETECTOR, PLANES["U"], SimulationSettings(dead_fraction=0.02, noisy_fraction=0.02))
    assert np.array_equal(rms[:800] < 0.5, conditions.dead)
    assert np.array_equal(rms[:800] > 30, (conditions.noise > 5) & ~conditions.dead)


def test_sticky_codes(rng):
    codes = rng.integers(880, 920, 20000).astype(np.int16)
    stuck = stick(rng, codes, 0.3, ELECTRONICS)
    moved = stuck != codes
    assert set(stuck[moved] % 64) <= {63, 0, 1}
    assert np.abs(stuck - codes).max() <= 8
    near = np.abs(codes - np.where(codes < 896, 895, 897)) <= 8
    free = near & ~np.isin(codes, [895, 896, 897])
    assert moved[free].mean() == pytest.approx(0.3, abs=0.03)
    assert not moved[~near & (np.abs(codes - 896) > 9)].any()
    assert (stick(rng, np.array([2, 4095], np.int16), 1.0, ELECTRONICS) == [1, 4095]).all()


def test_tails_follow_large_pulses_and_cancel_them():
    ticks = tail_ticks(COLLECTION, SimulationSettings())
    assert ticks == 2200
    assert tail_ticks(COLLECTION, SimulationSettings(collection_tail_us=500.0)) == 1000
    signal = np.zeros((1, 20000), np.float32)
    signal[0, 1000:1010] = 1e4
    found = ac_coupled(signal, np.zeros(1), ticks)
    assert found[0, 1010] == pytest.approx(-1e5 / 2200, rel=0.01)
    assert found[0, 1010 + 2200] == pytest.approx(-1e5 / 2200 * np.exp(-1), rel=0.01)
    assert abs(found.sum()) < 0.01 * signal.sum()
    early = ac_coupled(np.zeros((1, 100), np.float32), np.array([1e5]), ticks)
    assert early[0, 0] == pytest.approx(-1e5 / 2200, rel=0.01)


def test_the_slow_board_reads_fewer_ticks():
    event = event_of("realistic", units=(0,), content="pulses", ticks=6000)
    slow = np.isin(event.channel, DETECTOR.units[0].board_channels(2))
    assert set(event.n_ticks[slow]) == {5996} == {DETECTOR.slow_ticks(6000)}
    assert set(event.n_ticks[~slow]) == {6000}
    assert (event.adc[slow, 5996:] == event.adc[slow, 5995:5996]).all()


def test_injected_pulses_have_the_size_asked_for():
    event = event_of(content="pulses", ticks=1024, pulse_electrons=(10000.0,), pulse_period_ticks=400)
    assert sorted(set(event.charge.tick)) == [200, 600, 1000]
    assert set(event.charge.electrons) == {10000.0}
    samples, _ = pulser_kernel(COLLECTION)
    assert event.clean[0, :400].max() * 0.125 == pytest.approx(samples.max() * 1e4, abs=0.1)
    assert samples.sum() == pytest.approx(0.0416, rel=0.01)  # pulser calibration, ADC tick per electron


def test_noise_without_signal():
    event = event_of("realistic", content="noise")
    assert np.abs(event.clean).max() == 0
    assert len(event.charge.tick) == 0
    assert event.adc.std(axis=1).max() > 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lifetime_us": -1.0}, "lifetime_us: found -1.0, expected a number above 0"),
        ({"lifetime_us": float("nan")}, "lifetime_us: found nan"),
        ({"coherent_noise": -0.5}, "coherent_noise: found -0.5, expected a number of 0 or more"),
        ({"ideal_theta_xz_deg": (95.0,)}, "ideal_theta_xz_deg: found 95.0, expected a number from 0 to 90"),
        ({"ideal_theta_xz_deg": ()}, "ideal_theta_xz_deg: found an empty list"),
        ({"dead_fraction": 1.5}, "dead_fraction: found 1.5, expected a number from 0 to 1"),
        ({"single_energy_mev": (5.0, 1.0)}, "single_energy_mev: found .*the smaller one first"),
        ({"content": "cosmics"}, "content: found 'cosmics', expected .*did you mean 'cosmic'"),
        ({"preset": "real"}, "preset: found 'real', expected clean"),
        ({"single_species": ("muno",)}, "single_species: found 'muno', expected .*did you mean 'muon'"),
    ],
)
def test_impossible_physics_is_refused(settings, message):
    with pytest.raises(ProtoduneError, match=message):
        SimulationSettings(**settings)


def test_impossible_samples_are_refused():
    with pytest.raises(ProtoduneError, match=r"units \[0, 0\], expected each unit once"):
        small_sample(units=(0, 0))
    with pytest.raises(ProtoduneError, match=r"units \[6\], expected numbers from 0 to 5 \(ProtoDUNE-SP\)"):
        small_sample(units=(6,))
    with pytest.raises(ProtoduneError, match=r"ideal_plane: found 'W', expected U \| V \| X"):
        small_sample(simulation={"ideal_plane": "W"})
    with pytest.raises(ProtoduneError, match="detector 'protodune' is unknown"):
        small_sample(detector="protodune")
    with pytest.raises(ProtoduneError, match="0 events"):
        small_sample(events=0)
    with pytest.raises(ProtoduneError, match="events, expected 1 to 2147483647"):
        small_sample(events=2**31)
    with pytest.raises(ProtoduneError, match="seed -1"):
        small_sample(seed=-1)
