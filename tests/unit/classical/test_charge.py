"""Charge of regions: prolonged tracks keep theirs, neighbours are not counted twice, baselines go."""

import numpy as np
import pytest

from protodune.classical.charge import ChargeSettings, measured_charge, wire_gain, wire_kernel
from protodune.classical.deconvolution import convolve, deconvolve, deconvolved_charge
from protodune.classical.methods import MethodSettings, run_method
from protodune.classical.step import PlaneReadout
from protodune.core.settings import build
from protodune.detector.known.protodune_sp import DETECTOR
from protodune.events.regions import from_runs, runs
from protodune.events.truth import region_truth
from protodune.simulation.events import simulate_event
from protodune.simulation.settings import SampleSettings, SimulationSettings

PLANES = DETECTOR.units[1].planes
U, X = PLANES["U"], PLANES["X"]


def ideal_tracks(angle):
    """Noise-free waveforms of the U plane and their charge: prolonged tracks."""
    changes = {"content": "ideal_tracks", "ideal_theta_xz_deg": (angle,), "ideal_plane": "U", "ideal_tracks_per_unit": 6}
    event = simulate_event(SampleSettings("s", 11, 1, (1,), SimulationSettings.of_preset("clean", **changes)), 1)
    first = U.first_channel - DETECTOR.units[1].first_channel
    charge = np.zeros((U.n_channels, event.adc.shape[1]), np.float32)
    local = event.charge.channel.astype(np.int64) - U.first_channel
    here = (local >= 0) & (local < U.n_channels)
    charge[local[here], event.charge.tick[here]] = event.charge.electrons[here]
    return event.clean[first : first + U.n_channels] * np.float32(0.125), charge


def shares(found, charge):
    """Found over true charge of the true regions above 5000 electrons, ten ticks beyond their ends."""
    row, begin, end = runs(np.repeat(region_truth(charge), 10, axis=1))
    first, last = np.maximum(begin - 10, 0), np.minimum(end + 10, charge.shape[1])
    found, true = (
        np.array([image[r, f:t].sum() for r, f, t in zip(row, first, last, strict=True)]) for image in (found, charge)
    )
    return found[true > 5000] / true[true > 5000]


@pytest.mark.parametrize("angle", [75, 80, 85])
def test_prolonged_tracks_keep_their_charge(angle):
    """Without noise, and where the regions are known."""
    clean, charge = ideal_tracks(angle)
    image, mask = deconvolved_charge(clean, U), np.repeat(region_truth(charge), 10, axis=1)
    assert abs(np.median(shares(measured_charge(image, mask, U).charge, charge)) - 1) < 0.05
    near = ChargeSettings(short=10**6, pad=8, gain_from=10**6, gain_to=10**6 + 1)
    lost = 1 - np.median(shares(measured_charge(image, mask, U, near).charge, charge))
    assert lost > 0.2, "a baseline where the neighbours have charge"


@pytest.mark.parametrize("angle", [75, 80, 85, 88])
def test_the_steps_before_keep_the_charge_of_prolonged_tracks(angle):
    """Charge after a step over charge before it, one step after the other, each on what the one before made."""
    waveforms, charge = ideal_tracks(angle)
    mask = np.repeat(region_truth(charge), 10, axis=1)
    before = shares(measured_charge(deconvolved_charge(waveforms, U), mask, U).charge, charge)
    for step in ("tails", "low_pass", "coherent"):
        readout = PlaneReadout(U, np.rint(waveforms + 2400).astype(np.int16), waveforms, np.zeros(len(waveforms), bool))
        waveforms = run_method(MethodSettings((step,)), readout)["denoised"]
        after = shares(measured_charge(deconvolved_charge(waveforms, U), mask, U).charge, charge)
        assert np.median(after / before) == pytest.approx(1, abs=0.02), step
        assert np.quantile(after / before, 0.1) > 0.93, step
        before = after


def test_a_baseline_that_slopes_is_taken_out():
    image = np.tile(np.linspace(-40, 60, 1000, dtype=np.float32), (8, 1))
    image[3, 480:520] += 700
    mask = np.zeros_like(image, bool)
    mask[3, 480:520] = True
    found = measured_charge(image, mask, X).charge
    assert found.sum() == pytest.approx(40 * 700, rel=1e-3)
    assert not np.delete(found, 3, axis=0).any()


def test_regions_at_the_ends_of_the_record_and_none():
    image = np.full((4, 300), 5, np.float32)
    image[0, :30] += 100
    image[1, 270:] += 100
    mask = np.zeros_like(image, bool)
    assert not measured_charge(image, mask, U).charge.any()
    mask[0, :30] = mask[1, 270:] = True
    assert np.isfinite(measured_charge(image, mask, U).charge).all()


def test_the_gain_of_wires():
    """A wire alone gets back what the filter took, as far as twice its charge; a plane full of equal charge gets nothing."""
    alone = np.zeros((U.n_channels, 400), np.float32)
    alone[100] = 300 * wire_kernel(U)[5]
    assert wire_gain(alone, U)[100] == pytest.approx(1 / wire_kernel(U)[5], rel=0.05)
    assert wire_gain(np.full((U.n_channels, 400), 300, np.float32), U) == pytest.approx(1, abs=1e-5)
    assert (wire_gain(np.zeros((U.n_channels, 400), np.float32), U) == 1).all()
    across = np.zeros((X.n_channels, 400), np.float32)
    across[479] = 1000
    assert (wire_gain(across, X)[480:] == 1).all(), "the faces of collection do not touch"


def test_the_kernel_is_what_the_deconvolution_does():
    charge = np.zeros((U.n_channels, 1200), np.float32)
    charge[400, 590:610] = 1000
    image = deconvolved_charge(convolve(charge, U), U)
    spread = image[395:406, 560:640].sum(axis=1)
    assert spread / spread.sum() == pytest.approx(wire_kernel(U), abs=0.02)


def test_one_image_alone_is_the_same():
    rng = np.random.default_rng(1)
    waveforms = rng.normal(0, 5, (U.n_channels, 500)).astype(np.float32)
    assert np.array_equal(deconvolved_charge(waveforms, U), deconvolve(waveforms, U).charge)


def test_short_regions_are_not_changed_by_the_gain():
    image = np.zeros((U.n_channels, 400), np.float32)
    image[50, 200:220] = 900
    mask = from_runs(np.array([50]), np.array([200]), np.array([220]), image.shape)
    assert measured_charge(image, mask, U).charge[50].sum() == pytest.approx(18000, rel=1e-4)
    given_back = measured_charge(image, mask, U, ChargeSettings(gain_from=0, gain_to=1)).charge
    assert given_back[50].sum() > 1.5 * 18000


def test_the_step_takes_settings_of_the_charge():
    steps = ["low_pass", {"deconvolve": {"tight_sigma": 3.0, "charge": {"short": 20}}}]
    [_, (name, chosen)] = build(MethodSettings, {"steps": steps}, "x").chosen()
    assert (name, chosen.tight_sigma, chosen.charge.short, chosen.charge.pad) == ("deconvolve", 3.0, 20, 6)
