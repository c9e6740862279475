import numpy as np
import pytest

from plugins.small_detector import DETECTOR as SMALL
from protodune.classical.coherent import group_median, low_pass, remove_coherent_noise, signal_mask
from protodune.classical.cut import apply_cut
from protodune.classical.pedestal import estimate_pedestal
from protodune.classical.sticky import mend_sticky_codes
from protodune.classical.tails import remove_tails, restore_baseline, tail_strength
from protodune.detector.known.protodune_sp import DETECTOR, ELECTRONICS
from protodune.simulation.readout import ac_coupled, stick

PLANES = DETECTOR.units[0].planes
PLANE = PLANES["X"]
SMALL_PLANE = SMALL.plane(0, "X")
TAIL_TICKS = 2200.0


def test_pedestal_of_pure_noise(rng):
    true = rng.uniform(400, 2500, 40)
    adc = np.rint(true[:, None] + 5 * rng.standard_normal((40, 6000))).astype(np.int16)
    mean, rms = estimate_pedestal(adc, PLANE)
    assert mean == pytest.approx(true, abs=0.3)
    assert rms == pytest.approx(np.full(40, 5.0), rel=0.05)


def test_pedestal_does_not_move_with_signal(rng):
    adc = np.rint(900 + 4 * rng.standard_normal((10, 6000))).astype(np.int16)
    busy = adc.copy()
    busy[:, 1000:1900] += 300
    assert estimate_pedestal(busy, PLANE)[0] == pytest.approx(estimate_pedestal(adc, PLANE)[0], abs=0.3)


def test_pedestal_of_dead_and_empty_channels():
    mean, rms = estimate_pedestal(np.full((3, 50), 77, np.int16), PLANE)
    assert mean.tolist() == [77] * 3
    assert rms.tolist() == [0] * 3
    assert estimate_pedestal(np.zeros((2, 0), np.int16), PLANE)[0].tolist() == [0, 0]
    assert estimate_pedestal(np.zeros((0, 10), np.int16), PLANE)[0].shape == (0,)


def test_low_pass_keeps_slow_and_stops_fast():
    time = np.arange(6000) * 0.5
    slow, fast = np.sin(2 * np.pi * 0.05 * time), np.sin(2 * np.pi * 0.9 * time)
    found = low_pass(np.stack([slow, fast]).astype(np.float32), PLANE)
    assert found[0, 100:-100] == pytest.approx(slow[100:-100], abs=0.01)
    assert np.abs(found[1, 100:-100]).max() < 0.06


def test_signal_mask_reaches_8_back_and_20_on():
    waveforms = np.zeros((1, 100), np.float32)
    waveforms[0, 50] = -30
    assert np.flatnonzero(signal_mask(waveforms, 20.0)[0]).tolist() == list(range(42, 71))


def test_group_median_leaves_values_out(rng):
    waveforms = rng.standard_normal((80, 30)).astype(np.float32)
    exclude = rng.random((80, 30)) < 0.4
    expected = np.ma.median(np.ma.array(waveforms, mask=exclude).reshape(2, 40, 30), axis=1)
    assert np.allclose(group_median(waveforms, 40, exclude), expected, atol=1e-6)
    assert np.allclose(group_median(waveforms, 40), np.median(waveforms.reshape(2, 40, 30), axis=1), atol=1e-6)
    assert np.all(group_median(waveforms, 40, np.ones((80, 30), bool)) == 0)


def test_bad_channels_are_zero_and_do_not_count():
    waveforms = np.ones((48, 20), np.float32)
    waveforms[:30] = 15
    bad = np.arange(48) < 30
    found = remove_coherent_noise(waveforms, PLANE, bad)
    assert np.all(found == 0)


def test_cut_keeps_what_is_above():
    assert apply_cut(np.array([[-5.0, 3.0, 3.5]], np.float32), 3.0).tolist() == [[-5, 0, 3.5]]


def noisy(rng, shape, rms=4.0):
    """Noise with the autocorrelation of real one: neighbouring ticks do not jump."""
    return low_pass(rms * 1.7 * rng.standard_normal(shape).astype(np.float32), PLANE)


@pytest.fixture
def sticky_digits(rng):
    """True waveforms with a pedestal near a sticky code, and the codes that an ill digitiser makes of them."""
    true = 904 + noisy(rng, (20, 6000))
    return true, np.stack([stick(rng, row, 0.3, ELECTRONICS) for row in np.rint(true).astype(np.int16)])


def mended(codes, pedestal, bad=None):
    bad = np.zeros(len(codes), bool) if bad is None else bad
    return mend_sticky_codes((codes - pedestal).astype(np.float32), codes, bad, PLANE) + pedestal


def test_pedestal_does_not_move_with_sticky_codes(sticky_digits):
    true, stuck = sticky_digits
    mean, rms = estimate_pedestal(stuck, PLANE)
    assert mean == pytest.approx(true.mean(axis=1), abs=1.0)
    assert np.abs(mean - true.mean(axis=1)).mean() < 0.75 * np.abs(stuck.mean(axis=1) - true.mean(axis=1)).mean()
    assert rms == pytest.approx(np.full(20, true.std()), rel=0.2)


def test_sticky_codes_are_interpolated(sticky_digits):
    true, stuck = sticky_digits
    assert (mended(stuck, 904) - true).std() < 0.8 * (stuck - true).std()
    bad = np.arange(20) < 3
    assert np.array_equal(mended(stuck, 904, bad)[bad], stuck[bad])


@pytest.mark.parametrize("pedestal", [893, 896, 903])
def test_healthy_channels_are_left_alone(rng, pedestal):
    codes = np.rint(pedestal + noisy(rng, (40, 6000))).astype(np.int16)
    assert np.array_equal(mended(codes, pedestal), codes)


def test_long_runs_of_sticky_codes_are_not_guessed(sticky_digits):
    _, stuck = sticky_digits
    stuck[:, 3000:3030] = 896
    assert (mended(stuck, 904)[:, 3000:3030] == 896).all()


@pytest.fixture
def tailed(rng):
    """Large pulses with and without the AC coupling's undershoot, noise on top."""
    pulses = np.zeros((40, 6000), np.float32)
    for row in range(40):
        for at in rng.integers(100, 5500, 3):
            pulses[row, at : at + 20] += rng.uniform(500, 2000)
    before = np.where(np.arange(40) % 2, 5e4, 0.0)
    noise = noisy(rng, pulses.shape)
    return pulses, ac_coupled(pulses, before, TAIL_TICKS) + noise, noise


def test_tails_are_removed(tailed):
    pulses, waveforms, noise = tailed
    assert np.abs(waveforms - noise - pulses).max() > 15
    found = remove_tails(waveforms + 3.0, PLANE)  # a pedestal that is off
    assert np.sqrt(((found - noise - pulses) ** 2).mean()) < 0.7
    assert found.dtype == np.float32


def test_the_strength_of_tails_tells_whether_there_are_any(tailed, rng):
    pulses, waveforms, noise = tailed
    assert tail_strength(waveforms, PLANE) == pytest.approx(1.0, abs=0.25)
    assert tail_strength(pulses + noise, PLANE) == pytest.approx(0.0, abs=0.2)
    assert np.isnan(tail_strength(noise, PLANE))


def test_tails_of_a_plane_without_any_are_left_alone(tailed):
    _, waveforms, _ = tailed
    assert restore_baseline(waveforms, PLANES["U"]) is waveforms, "induction pulses leave none"
    assert restore_baseline(waveforms, SMALL.plane(0, "U")) is waveforms
    assert restore_baseline(waveforms, PLANE) is not waveforms


def test_time_constants_are_in_the_planes_own_ticks():
    """The same pulse in time and electrons gives the same tail, whatever the tick and the gain."""
    assert SMALL_PLANE.tick_us == 0.512
    ticks = SMALL_PLANE.tail_us / SMALL_PLANE.tick_us
    pulses = np.zeros((3, 6000), np.float32)
    pulses[:, 800:820] = 2000 * SMALL_PLANE.adc_scale
    waveforms = ac_coupled(pulses, np.zeros(3), ticks)
    assert tail_strength(waveforms, SMALL_PLANE) == pytest.approx(1.0, abs=0.02)
    assert np.abs(remove_tails(waveforms, SMALL_PLANE) - pulses).max() < 0.2
    time = np.arange(6000) * 0.512
    wave = np.sin(2 * np.pi * 0.35 * time).astype(np.float32)[None]
    gain = 1 / np.sqrt(1 + (0.35 / 0.4) ** 8)
    assert low_pass(wave, SMALL_PLANE)[0, 200:-200].std() == pytest.approx(gain * wave.std(), rel=0.01)


def test_a_digitiser_without_sticky_codes_is_left_alone(sticky_digits):
    _, stuck = sticky_digits
    waveforms = (stuck - 904).astype(np.float32)
    assert np.array_equal(mend_sticky_codes(waveforms, stuck, np.zeros(20, bool), SMALL_PLANE), waveforms)


def test_a_channel_that_is_all_signal_keeps_its_waveform(rng):
    wild = (1000 * rng.standard_normal((2, 500))).astype(np.float32)
    assert np.array_equal(remove_tails(wild, PLANE), wild)


def test_tails_of_a_huge_pulse_that_hide_the_whole_channel(rng):
    pulses = np.zeros((3, 6000), np.float32)
    pulses[:, 800:850] = 2800
    waveforms = ac_coupled(pulses, np.zeros(3), TAIL_TICKS)
    found = remove_tails(waveforms + noisy(rng, pulses.shape) + 20, PLANE)
    assert np.abs((found - pulses)[:, 1000:].mean(axis=1)).max() < 0.5
