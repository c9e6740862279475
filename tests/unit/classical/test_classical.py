import numpy as np
import pytest

from protodune.classical.coherent import group_median, low_pass, remove_coherent_noise, signal_mask
from protodune.classical.methods import METHODS, MethodSettings, apply_cut, run_method
from protodune.classical.pedestal import estimate_pedestal
from protodune.simulation.noise import coherent_noise, incoherent_noise
from protodune.simulation.settings import SimulationSettings


def test_pedestal_of_pure_noise(rng):
    true = rng.uniform(400, 2500, 40)
    adc = np.rint(true[:, None] + 5 * rng.standard_normal((40, 6000))).astype(np.int16)
    mean, rms = estimate_pedestal(adc)
    assert mean == pytest.approx(true, abs=0.3)
    assert rms == pytest.approx(np.full(40, 5.0), rel=0.05)


def test_pedestal_does_not_move_with_signal(rng):
    adc = np.rint(900 + 4 * rng.standard_normal((10, 6000))).astype(np.int16)
    busy = adc.copy()
    busy[:, 1000:1900] += 300
    assert estimate_pedestal(busy)[0] == pytest.approx(estimate_pedestal(adc)[0], abs=0.3)


def test_pedestal_of_dead_and_empty_channels():
    mean, rms = estimate_pedestal(np.full((3, 50), 77, np.int16))
    assert mean.tolist() == [77] * 3
    assert rms.tolist() == [0] * 3
    assert estimate_pedestal(np.zeros((2, 0), np.int16))[0].tolist() == [0, 0]
    assert estimate_pedestal(np.zeros((0, 10), np.int16))[0].shape == (0,)


def test_low_pass_keeps_slow_and_stops_fast():
    time = np.arange(6000) * 0.5
    slow, fast = np.sin(2 * np.pi * 0.05 * time), np.sin(2 * np.pi * 0.9 * time)
    found = low_pass(np.stack([slow, fast]).astype(np.float32))
    assert found[0, 100:-100] == pytest.approx(slow[100:-100], abs=0.01)
    assert np.abs(found[1, 100:-100]).max() < 0.06


def test_signal_mask_reaches_8_back_and_20_on():
    waveforms = np.zeros((1, 100), np.float32)
    waveforms[0, 50] = -30
    assert np.flatnonzero(signal_mask(waveforms)[0]).tolist() == list(range(42, 71))


def test_group_median_leaves_samples_out(rng):
    waveforms = rng.standard_normal((80, 30)).astype(np.float32)
    exclude = rng.random((80, 30)) < 0.4
    expected = np.ma.median(np.ma.array(waveforms, mask=exclude).reshape(2, 40, 30), axis=1)
    assert np.allclose(group_median(waveforms, 40, exclude), expected, atol=1e-6)
    assert np.allclose(group_median(waveforms, 40), np.median(waveforms.reshape(2, 40, 30), axis=1), atol=1e-6)
    assert np.all(group_median(waveforms, 40, np.ones((80, 30), bool)) == 0)


@pytest.mark.parametrize(("plane", "size", "raw", "cleaned"), [("U", 40, 5.4, 4.2), ("X", 48, 4.9, 3.5)])
def test_coherent_noise_is_removed(plane, size, raw, cleaned):
    settings, rng = SimulationSettings(), np.random.default_rng(1)
    shared = coherent_noise(rng, 6000, settings)[plane]
    noise = incoherent_noise(rng, plane, 6000, settings) + np.repeat(shared, size, axis=0)
    assert noise.std() == pytest.approx(raw, rel=0.05)
    assert remove_coherent_noise(low_pass(noise), size, np.zeros(len(noise), bool)).std() < cleaned


def test_bad_channels_are_zero_and_do_not_count():
    waveforms = np.ones((40, 20), np.float32)
    waveforms[:30] = 15
    bad = np.arange(40) < 30
    found = remove_coherent_noise(waveforms, 40, bad)
    assert np.all(found == 0)


def test_cut_keeps_what_is_above():
    assert apply_cut(np.array([[-5.0, 3.0, 3.5]], np.float32), 3.0).tolist() == [[-5, 0, 3.5]]


@pytest.mark.parametrize("kind", METHODS)
def test_every_method_keeps_the_shape(kind, rng):
    waveforms = rng.standard_normal((80, 64)).astype(np.float32)
    found = run_method(MethodSettings(kind, 1.0), waveforms, 40, np.zeros(80, bool))
    assert found.shape == waveforms.shape
    assert found.dtype == np.float32
