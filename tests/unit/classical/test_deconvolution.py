"""Deconvolution and regions of interest: charge comes back, and tracks at all angles are found."""

from functools import lru_cache

import numpy as np
import pytest

from protodune.classical.coherent import low_pass, remove_coherent_noise
from protodune.classical.deconvolution import convolve, deconvolve
from protodune.classical.methods import MethodSettings, run_method
from protodune.classical.pedestal import estimate_pedestal
from protodune.classical.regions import noise_rms, region_charge, threshold_regions
from protodune.classical.step import PlaneReadout
from protodune.detector.known.protodune_sp import DETECTOR
from protodune.events.regions import from_runs, runs
from protodune.events.truth import region_found, region_truth
from protodune.measure.regions import region_metrics
from protodune.simulation.events import simulate_event
from protodune.simulation.settings import SampleSettings, SimulationSettings

PLANES = DETECTOR.units[1].planes
CHAIN = ("sticky", "tails", "low_pass", "coherent")
DECONVOLUTION = MethodSettings((*CHAIN, "deconvolve"))


def simulate(plane, number, preset="realistic", effects=None, seed=11, **changes):
    """An event's readout, clean waveforms (ADC) and charge (electrons) of one plane."""
    settings = SimulationSettings.of_preset(preset, effects, **changes)
    event = simulate_event(SampleSettings("s", seed, number, (1,), settings), number)
    info = PLANES[plane]
    first = info.first_channel - DETECTOR.units[1].first_channel
    rows = slice(first, first + info.n_channels)
    pedestal, rms = estimate_pedestal(event.adc[rows], info)
    charge = np.zeros((info.n_channels, event.adc.shape[1]), np.float32)
    local = event.charge.channel.astype(np.int64) - info.first_channel
    here = (local >= 0) & (local < info.n_channels)
    charge[local[here], event.charge.tick[here]] = event.charge.electrons[here]
    waveforms = (event.adc[rows] - pedestal[:, None]).astype(np.float32)
    readout = PlaneReadout(info, event.adc[rows], waveforms, (rms < 0.5) | (rms > 30))
    return readout, event.clean[rows] * np.float32(0.125), charge


@pytest.mark.parametrize("plane", PLANES)
def test_convolution_is_what_the_simulation_does(plane):
    _, clean, charge = simulate(plane, 1, "clean", {"wall_side": False}, ticks=1024, cosmics_per_unit=20.0)
    # The truth lacks pixels below 10 electrons and charge just outside the readout.
    inner = slice(130, -130)
    difference = (convolve(charge, PLANES[plane]) - clean)[:, inner]
    saturated = np.abs(clean[:, inner]) > 1500
    assert np.abs(difference[~saturated]).max() < 3.0
    assert difference[~saturated].std() < 0.2


@pytest.mark.parametrize("plane", PLANES)
def test_deconvolution_returns_the_charge(plane):
    charge = np.zeros((PLANES[plane].n_channels, 1200), np.float32)
    charge[300:330, 600:604] = 5000.0
    images = deconvolve(convolve(charge, PLANES[plane]), PLANES[plane])
    mask = np.zeros_like(charge, bool)
    mask[303:327, 560:640] = True
    found = region_charge(images.charge, *runs(mask))[303:327].sum(axis=1)
    assert found == pytest.approx(np.full(24, 20000.0), rel=0.03)


def test_the_faces_of_collection_do_not_touch():
    charge = np.zeros((960, 600), np.float32)
    charge[479, 300] = 1e5
    plane = PLANES["X"]
    assert not convolve(charge, plane)[480:].any()
    assert np.abs(deconvolve(convolve(charge, plane), plane).charge[480:]).max() < 1


@pytest.mark.parametrize(("plane", "most"), [("U", 185), ("V", 205), ("X", 100)])
def test_noise_of_the_tight_image(plane, most):
    readout, _, _ = simulate(plane, 1, "dunedn", content="noise")
    images = deconvolve(low_pass(readout.waveforms, readout.plane), readout.plane)
    assert 60 < np.median(noise_rms(images.tight)) < most


# Wire-Cell-like reference, physics of the experiment's own chain: theta_xz -> efficiency on U and V.
REFERENCE = {0: (0.95, 0.95), 30: (0.95, 0.95), 60: (0.95, 0.95), 75: (0.92, 0.83), 80: (0.85, 0.79), 85: (0.65, 0.50),
             88: (0.26, 0.23)}  # fmt: skip


HELD_OUT_SEED = 9001
"""Thresholds were chosen on seeds 501 and 502."""


@lru_cache
def regions_of_ideal_tracks(plane, theta):
    total = []
    for number in (1, 2):
        readout, _, charge = simulate(
            plane, number, content="ideal_tracks", ideal_theta_xz_deg=(float(theta),), ideal_plane=plane,
            ideal_tracks_per_unit=6, ideal_drift_mm=1800.0, seed=HELD_OUT_SEED,
        )  # fmt: skip
        found = run_method(DECONVOLUTION, readout)
        truth = region_truth(charge)
        good = ~readout.bad
        total.append(region_metrics(region_found(found["regions"].astype(np.float32))[good], truth[good]))
    return {name: np.mean([t[name] for t in total]) for name in total[0]}


@pytest.mark.parametrize("theta", REFERENCE)
@pytest.mark.parametrize("plane", ["U", "V"])
def test_tracks_are_found_at_a_purity_of_at_least_80_per_cent(plane, theta):
    found = regions_of_ideal_tracks(plane, theta)
    assert found["pixel_purity"] >= 0.8
    assert found["region_efficiency"] >= REFERENCE[theta]["UV".index(plane)]


@pytest.mark.parametrize("plane", PLANES)
def test_charge_of_regions_is_right(plane):
    readout, _, charge = simulate(
        plane, 1, content="ideal_tracks", ideal_theta_xz_deg=(0.0, 30.0, 45.0), ideal_plane=plane, ideal_drift_mm=1800.0
    )
    found = run_method(DECONVOLUTION, readout)
    near = from_runs(*[v + k for v, k in zip(runs(charge > 0), (0, -20, 20), strict=True)], charge.shape)
    true = charge.sum(axis=1)
    crossed = (true > 20000) & ~readout.bad
    ratio = np.where(near, found["charge"], 0).sum(axis=1)[crossed] / true[crossed]
    assert np.median(ratio) == pytest.approx(1, abs=0.03 if plane == "X" else 0.05)
    assert np.diff(np.percentile(ratio, [16, 84])) / 2 < (0.1 if plane == "X" else 0.2)


@pytest.mark.parametrize("plane", PLANES)
def test_a_track_parallel_to_a_boards_wires_keeps_its_charge(plane):
    """All channels of a board see it at the same tick, as they see coherent noise."""
    kept = []
    for number in range(1, 7):
        readout, clean, _ = simulate(
            plane, number, "dunedn", {"coherent_noise": True, "channel_noise_spread": True}, content="ideal_tracks",
            ideal_theta_xz_deg=(0.0,), ideal_plane=plane, ideal_tracks_per_unit=6, ideal_length_mm=1500.0,
        )  # fmt: skip
        smooth = low_pass(clean, readout.plane)
        cleaned = remove_coherent_noise(low_pass(readout.waveforms, readout.plane), readout.plane, readout.bad)
        kept.append((cleaned * smooth).sum() / (smooth**2).sum())
    assert np.mean(kept) > 0.99
    assert np.mean(kept) < 1.01


def test_threshold_regions_reach_10_back_and_20_on():
    waveforms = np.zeros((1, 100), np.float32)
    waveforms[0, 50:52] = -30
    assert np.flatnonzero(threshold_regions(waveforms, 20.0)[0]).tolist() == list(range(40, 72))


def test_nothing_is_found_in_noise():
    readout, _, _ = simulate("U", 1, content="noise")
    found = run_method(DECONVOLUTION, readout)
    assert found["regions"].mean() < 2e-3
    strict = run_method(MethodSettings((*CHAIN, {"deconvolve": {"tight_sigma": 6.0, "loose_sigma": 6.0}})), readout)
    assert strict["regions"].mean() < 1e-4
