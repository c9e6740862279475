import dataclasses

import numpy as np
import pytest

from protodune.detector.known.protodune_sp import DETECTOR
from protodune.events.types import CLASS_DELTA, CLASS_MICHEL, CLASS_SHOWER, CLASS_TRACK
from protodune.simulation import matter, particles
from protodune.simulation.particles import cosmic_energy, cosmic_ray, make_event, mean_area, michel_energy, theta_xz
from protodune.simulation.settings import Effects, SampleSettings, SimulationSettings
from protodune.simulation.showers import Pool, shower
from protodune.simulation.tracks import follow

SETTINGS = SimulationSettings()
MIDDLE = np.array([1800.0, 3000.0, 3500.0])
ALONG_Z = np.array([0.0, 0.0, 1.0])


def with_effects(**effects) -> SimulationSettings:
    return dataclasses.replace(SETTINGS, effects=dataclasses.replace(Effects(), **effects))


def muon(rng, settings, kinetic=4000.0, length=1000.0):
    return follow(rng, DETECTOR, settings, matter.MUON_MEV, kinetic, MIDDLE - 500 * ALONG_Z, ALONG_Z, length, 0.0, 1)


def sample(content: str, events: int = 1, **changes) -> SampleSettings:
    return SampleSettings("s", 5, events, (0,), SimulationSettings(content=content, **changes))


def events(content: str, n: int, **changes):
    settings = sample(content, n, **changes)
    return [make_event(np.random.default_rng([5, k]), settings, k) for k in range(1, n + 1)]


def test_delta_rays_carry_what_the_track_does_not(rng):
    with_deltas = [muon(rng, SETTINGS) for _ in range(40)]
    total = np.mean([t.steps.energy.sum() + t.deltas.kinetic.sum() for t in with_deltas])
    expected = matter.mean_loss(np.array([3900.0]), matter.MUON_MEV)[0] * 100
    assert total == pytest.approx(expected, rel=0.1)
    assert min(t.deltas.kinetic.min() for t in with_deltas) >= SETTINGS.delta_min_mev
    assert sum(len(t.deltas.kinetic) for t in with_deltas) / 40 == pytest.approx(0.0966 * 100, rel=0.15)


def test_straggling_and_scattering_can_be_switched_off(rng):
    plain = muon(rng, with_effects(straggling=False, multiple_scattering=False, delta_rays=False))
    assert plain.steps.energy.std() < 0.01 * plain.steps.energy.mean()
    assert plain.end == pytest.approx(MIDDLE + 500 * ALONG_Z)
    assert len(plain.deltas.kinetic) == 0
    assert muon(rng, SETTINGS).steps.energy.std() > 0.05 * plain.steps.energy.mean()


def test_most_probable_energy_loss_is_that_of_muons_in_argon(rng):
    steps = follow(
        rng,
        DETECTOR,
        with_effects(delta_rays=False),
        matter.MUON_MEV,
        4000.0,
        np.array([0.0, 3000, 10]),
        ALONG_Z,
        6000.0,
        0.0,
        1,
    ).steps
    per_cm = steps.energy.reshape(-1, 5).sum(axis=1) / 0.5
    counts, edges = np.histogram(per_cm, bins=30, range=(1, 4))
    assert edges[counts.argmax()] == pytest.approx(1.7, abs=0.15)
    assert per_cm.max() <= 15.0 + 1e-9


def test_a_muon_stops_at_its_range(rng):
    track = muon(rng, with_effects(multiple_scattering=False), kinetic=200.0, length=5000.0)
    assert track.kinetic == 0
    assert track.length == pytest.approx(matter.range_mm(200.0, matter.MUON_MEV))
    early, late = track.steps.energy[:100].mean(), track.steps.energy[-25:].mean()
    assert late > 2 * early  # the Bragg peak


def test_a_shower_deposits_its_energy(rng):
    for kinetic in (30.0, 500.0):
        pool = Pool.of(MIDDLE, ALONG_Z, kinetic, 0.0, 7)
        steps = shower(rng, DETECTOR, SETTINGS, pool)
        assert steps.energy.sum() == pytest.approx(kinetic, rel=0.12)  # what is left out below the cuts, what leaves
        assert set(steps.particle) == {7}


def test_photons_convert_and_start_away_from_their_origin(rng):
    pool = Pool.of(np.repeat(MIDDLE[None], 200, axis=0), np.repeat(ALONG_Z[None], 200, axis=0), np.full(200, 500.0), 0.0,
                   np.arange(200), True)  # fmt: skip
    steps = shower(rng, DETECTOR, with_effects(multiple_scattering=False), pool)
    first = [steps.position[steps.particle == k, 2].min() - MIDDLE[2] for k in np.unique(steps.particle)]
    # A mean free path of 9/7 radiation lengths, 180 mm; photons that the shower scatters back come before.
    assert 90 < np.mean(first) < 200
    along = steps.position[:, 2] - MIDDLE[2]
    assert 200 < np.average(along, weights=steps.energy) < 800


def test_michel_electrons(rng):
    energies = [michel_energy(rng) for _ in range(2000)]
    assert max(energies) <= 52.3
    assert np.mean(energies) == pytest.approx(0.7 * 52.3, rel=0.03)


def test_sea_level_muons(rng):
    vertical = np.array([cosmic_energy(rng, 1.0) for _ in range(4000)])
    assert np.median(vertical) == pytest.approx(1830, rel=0.08)
    assert (vertical > 1e4).mean() == pytest.approx((1 + 1e4 / 3640) ** -1.7, rel=0.15)


def test_cosmic_rays_come_from_above_and_light_a_box_by_its_area(rng):
    points, directions = map(np.array, zip(*(cosmic_ray(rng, DETECTOR) for _ in range(6000)), strict=True))
    assert (directions[:, 1] < 0).all()
    assert np.linalg.norm(directions, axis=1) == pytest.approx(1)
    on_surface = np.isclose(points, DETECTOR.active_mm[0]) | np.isclose(points, DETECTOR.active_mm[1])
    assert on_surface.any(axis=1).all()
    low, high = np.array([0.0, 76.0, 5.6]), np.array([3580.0, 6060.0, 2301.0])
    with np.errstate(divide="ignore"):
        bounds = np.sort(np.stack([(low - points) / directions, (high - points) / directions]), axis=0)
    hits = (bounds[0].max(axis=1) < bounds[1].min(axis=1)).mean()
    assert hits == pytest.approx(mean_area(high - low) / mean_area(DETECTOR.active_mm[1] - DETECTOR.active_mm[0]), rel=0.06)


def test_theta_xz():
    assert theta_xz(DETECTOR, np.array([1.0, 0, 0]), -100.0) == pytest.approx((90, 90, 90))
    assert theta_xz(DETECTOR, np.array([0.0, 0, 1]), 100.0) == pytest.approx((0, 0, 0))
    # Across the U wires of a drift volume at x < 0.
    direction = np.array([np.sin(0.5), -0.5836 * np.cos(0.5), 0.8120 * np.cos(0.5)])
    assert theta_xz(DETECTOR, direction, -100.0)[0] == pytest.approx(np.rad2deg(0.5), abs=0.01)


def test_cosmic_events_hold_muons_deltas_and_michels():
    found = np.concatenate([e.particles for e in events("cosmic", 12)])
    assert set(found["class"]) == {CLASS_TRACK, CLASS_MICHEL, CLASS_DELTA}
    primaries = found[found["parent"] == 0]
    assert set(primaries["pdg"]) == {13, -13}
    assert len(primaries) / 12 == pytest.approx(43, rel=0.15)
    assert primaries["time_us"].min() < -1000  # out of time
    assert primaries["time_us"].max() > 1000


def test_family_ties():
    for event in events("beam", 4):
        table = event.particles
        assert table["id"].tolist() == list(range(1, len(table) + 1))
        daughters = table[table["parent"] > 0]
        parents = table[daughters["parent"] - 1]
        assert (daughters["primary"] == parents["primary"]).all()
        assert (daughters["interaction"] == parents["interaction"]).all()
        assert (daughters["parent"] < daughters["id"]).all()
        primaries = table[table["parent"] == 0]
        assert (primaries["primary"] == primaries["id"]).all()
        assert len(set(primaries["interaction"])) == len(primaries)
        assert set(np.unique(event.steps.particle)) <= set(table["id"])


def test_beam_particles_come_in_turn_at_the_trigger():
    first = [e.particles[0] for e in events("beam", 4)]
    assert [p["pdg"] for p in first] == [211, 2212, -11, -13]
    assert all(p["time_us"] == 0 for p in first)
    assert first[1]["kinetic_mev"] == pytest.approx(np.hypot(1000, 938.272) - 938.272)


def test_pions_interact():
    found = events("single", 40, single_species=("pion",), single_energy_mev=(500.0, 1000.0))
    daughters = np.concatenate([e.particles[1:] for e in found])
    kinds = set(daughters["pdg"].tolist())
    assert 2212 in kinds
    assert 211 in kinds
    assert 22 in kinds  # from neutral pions
    assert -13 in kinds  # decays at rest


def test_single_particles_come_in_turn():
    found = events("single", 5)
    assert [e.particles[0]["pdg"] for e in found] == [13, 211, 2212, 11, 22]
    assert found[3].particles[0]["class"] == CLASS_SHOWER
    assert all(100 <= e.particles[0]["kinetic_mev"] <= 1000 for e in found)


@pytest.mark.parametrize(("plane", "column"), [("U", "theta_xz_u_deg"), ("V", "theta_xz_v_deg"), ("X", "theta_xz_x_deg")])
def test_ideal_tracks_have_the_angles_asked_for(plane, column):
    angles = (0.0, 45.0, 80.0, 90.0)
    (event,) = events("ideal_tracks", 1, ideal_theta_xz_deg=angles, ideal_plane=plane)
    assert event.particles[column] == pytest.approx(angles, abs=0.02)
    assert event.steps.energy.sum() == pytest.approx(4 * 170.0)


def test_noise_and_pulses_have_no_particles():
    for content in ("noise", "pulses"):
        (event,) = events(content, 1)
        assert len(event.particles) == len(event.steps) == 0


def test_a_muon_that_is_followed_to_the_end_does_not_interact(monkeypatch):
    """Only hadrons end in an interaction where their path ends."""
    monkeypatch.setattr(particles, "_MAX_TRACK_MM", 300.0)
    (truth,) = events("single", 1, single_species=("muon",), single_energy_mev=(2000.0, 2001.0))
    assert truth.particles["length_mm"][0] == pytest.approx(300)
    assert set(truth.particles["pdg"].tolist()) <= {13, 11, -11, 22}
