import numpy as np
import pytest

from protodune.detector.known.protodune_sp import DETECTOR
from protodune.measure.noise import central_rms, check_plane, find_pulses, pulses, quiet_values

PLANE = DETECTOR.plane(0, "X")
N, TICKS = PLANE.n_channels, 3000
CHANNEL, GOOD = PLANE.channels, np.ones(N, bool)


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(1).normal(0, 4, (N, TICKS)).astype(np.float32)


def values(rows, quantity, image="raw"):
    return {(r.x, r.y) if r.y == r.y else r.x: getattr(r, image) for r in rows if r.quantity == quantity}


def test_independent_noise(noise):
    rows = check_plane(noise, np.zeros_like(noise), PLANE, GOOD)
    assert np.mean(list(values(rows, "noise_rms").values())) == pytest.approx(4, rel=0.01)
    assert set(values(rows, "noise_rms")) == set(CHANNEL.tolist())
    assert max(map(abs, values(rows, "autocorrelation").values())) < 0.01
    assert np.mean(list(values(rows, "coherent_residual").values())) == pytest.approx(1, abs=0.02)
    assert np.mean(list(values(rows, "spectrum").values())) == pytest.approx(4, rel=0.02), (
        "white: its rms at all frequencies"
    )
    assert max(map(abs, values(rows, "board_correlation").values())) < 0.02
    assert set(values(rows, "noise_rms", "denoised").values()) == {0}
    assert np.isnan(list(values(rows, "autocorrelation", "denoised").values())).all(), "an empty image has none"
    assert values(rows, "noise_rms", "removed") == values(rows, "noise_rms")


def test_coherent_noise_is_seen_on_its_board_only(noise):
    shared = np.random.default_rng(2).normal(0, 4, TICKS).astype(np.float32)
    raw = noise.copy()
    raw[48:96] += shared  # board 1: half of its variance is shared
    rows = check_plane(raw, noise, PLANE, GOOD)
    matrix = values(rows, "board_correlation")
    assert matrix[1, 1] == pytest.approx(0.5, abs=0.03)
    assert abs(matrix[1, 2]) < 0.03
    residual = values(rows, "coherent_residual")
    assert residual[1] == pytest.approx(np.sqrt(1 + 47 * 0.5), rel=0.05)
    assert residual[2] == pytest.approx(1, abs=0.05)
    assert values(rows, "board_correlation", "denoised")[1, 1] < 0.03
    assert values(rows, "board_correlation", "removed")[1, 1] == pytest.approx(1, abs=0.01), "all of it was taken away"


def test_the_autocorrelation_of_a_moving_average(noise):
    smooth = (noise[:, 1:] + noise[:, :-1]) / np.sqrt(2)
    found = values(check_plane(smooth.astype(np.float32), smooth * 0, PLANE, GOOD), "autocorrelation")
    assert found[1] == pytest.approx(0.5, abs=0.01)
    assert found[2] == pytest.approx(0, abs=0.01)


def test_signal_is_no_noise(noise):
    raw = noise.copy()
    raw[:, 1000:1100] += 200
    assert central_rms(raw).mean() == pytest.approx(4, rel=0.1)
    quiet = quiet_values(raw, np.zeros_like(raw))
    assert not quiet[:, 980:1120].any()
    assert quiet[:, :900].mean() > 0.99


def with_pulses(noise, tau_ticks=4000.0):
    """One Gaussian pulse per channel whose area falls with its time."""
    rng, truth = np.random.default_rng(3), np.zeros_like(noise)
    ticks = rng.integers(100, TICKS - 100, N)
    for row, tick in enumerate(ticks):
        truth[row] = 300 * np.exp(-tick / tau_ticks) * np.exp(-0.5 * ((np.arange(TICKS) - tick) / 4) ** 2)
    return truth, ticks


def test_pulses_give_shape_and_attenuation(noise):
    truth, ticks = with_pulses(noise)
    raw = truth + 0.5 * noise
    row, tick = find_pulses(raw, GOOD)
    assert len(row) > 0.9 * N
    assert np.abs(tick - ticks[row]).max() < 5
    rows = pulses({"raw": raw, "denoised": 0.9 * truth, "removed": raw - 0.9 * truth}, GOOD, PLANE.tick_us)
    slope = next(r for r in rows if r.quantity == "attenuation_slope")
    wanted = -1 / (4000 * 0.5e-3)
    assert (slope.raw, slope.denoised) == (pytest.approx(wanted, rel=0.02), pytest.approx(wanted, rel=0.02))
    shape = values(rows, "pulse_shape", "denoised")
    assert shape[0] == pytest.approx(0.9 * values(rows, "pulse_shape")[0], rel=0.03)
    assert shape[8] / shape[0] == pytest.approx(np.exp(-2), rel=0.15)
    areas = values(rows, "pulse_area")
    assert areas[min(areas)] > areas[max(areas)]


def test_pulses_that_overlap_do_not_count(noise):
    truth, _ = with_pulses(noise)
    both = truth + np.roll(truth, 30, axis=1)
    assert len(find_pulses(both + 0.5 * noise, GOOD)[0]) < 0.05 * N


def test_no_pulses_are_no_error(noise):
    rows = pulses({"raw": noise, "denoised": noise, "removed": noise}, GOOD, PLANE.tick_us)
    assert [(r.quantity, r.raw) for r in rows] == [("pulses", 0)]


def test_a_plane_without_good_channels_has_no_checks(noise):
    assert check_plane(noise, noise, PLANE, ~GOOD) == []


def test_bad_channels_do_not_count(noise):
    raw, good = noise.copy(), GOOD.copy()
    raw[:48], good[:48] = 1000, False
    rows = check_plane(raw, raw, PLANE, good)
    assert len(values(rows, "noise_rms")) == N - 48
    assert 0 not in values(rows, "coherent_residual"), "its whole board is bad"
