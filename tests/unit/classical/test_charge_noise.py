"""Noise of sums: measured where there is no signal, per channel, and right in size for regions with signal."""

import numpy as np
import pytest

from protodune.classical.charge import ChargeSettings, measured_charge
from protodune.classical.charge_noise import SumNoise, quiet_noise
from protodune.detector.known.protodune_sp import DETECTOR

X = DETECTOR.units[1].planes["X"]
TICKS, RMS, WIDTH = 3000, 50.0, 25


@pytest.fixture(scope="module")
def image():
    """White noise of 50 electrons per tick; on 10 channels of 100."""
    noise = np.random.default_rng(7).normal(0, RMS, (X.n_channels, TICKS)).astype(np.float32)
    noise[:10] *= 2
    noise[10] = 0
    return noise


def expected(length, width=WIDTH):
    """Of white noise: the sum of the ticks and ``length`` times the mean of two baselines."""
    return RMS * np.sqrt(length + length**2 / (2 * width))


def test_noise_of_sums_is_that_of_the_image(image):
    found = quiet_noise(image, np.zeros(image.shape, bool), WIDTH)
    length = np.array([32, 50, 100, 400])
    assert found.of(np.full(4, 500), length) == pytest.approx(expected(length), rel=0.12)
    assert found.scale[:10] == pytest.approx(np.full(10, 2), rel=0.25)
    assert found.scale[10] == 0, "a channel without noise"


def test_signal_does_not_count_as_noise(image):
    signal, mask = image.copy(), np.zeros(image.shape, bool)
    signal[:, 1000:1050] += 5000
    mask[:, 1000:1050] = True
    without, found = (quiet_noise(i, m, WIDTH) for i, m in ((image, ~mask & False), (signal, mask)))
    assert found.electrons == pytest.approx(without.electrons, rel=0.05)
    blind = quiet_noise(signal, np.ones(image.shape, bool), WIDTH)
    assert blind.electrons[-1] >= found.electrons[-1], "signal everywhere: more noise than there is, not less"


def test_between_and_beyond_what_is_known_noise_is_a_power_of_the_length():
    noise = SumNoise(np.array([32, 128]), np.array([100.0, 400.0]), np.array([1.0, 3.0]))
    assert noise.of(np.array([0, 1, 0, 0]), np.array([64, 64, 8, 512])) == pytest.approx([200, 600, 25, 1600])


def test_a_record_too_short_for_windows_has_no_noise_to_tell():
    found = quiet_noise(np.zeros((3, 40), np.float32), np.zeros((3, 40), bool), 9)
    assert np.isfinite(found.of(np.arange(3), np.array([10, 20, 30]))).all()


def test_found_and_true_differ_by_as_much_as_the_error_says(image):
    """With a factor of 1 and regions whose ends are known the error is noise alone."""
    signal, mask = image.copy(), np.zeros(image.shape, bool)
    true = np.zeros_like(image)
    true[11:, 500:560] = true[11:, 2000:2060] = 300
    mask[true > 0] = True
    signal += true
    settings = ChargeSettings(collection_noise_factor=1, relative_error=0)
    measured = measured_charge(signal, mask, X, settings)
    assert not measured.error[~mask & (measured.charge == 0)].any()
    for first in (500, 2000):
        around = slice(first - 100, first + 160)
        difference = (measured.charge - true)[11:, around].sum(axis=1)
        error = measured.error[11:, around].sum(axis=1)
        assert (difference / error).std() == pytest.approx(1, rel=0.2)
    larger = measured_charge(signal, mask, X, ChargeSettings(collection_noise_factor=1, relative_error=0.2))
    assert (larger.error >= measured.error).all()
    assert larger.error[20].sum() > 0.2 * 2 * 18000
