import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from protodune.measure.waveforms import imae, mse, psnr, signal_bias, ssim

CLEAN = np.array([[0.0, 10.0, 0.0], [0.0, 0.0, -4.0]])
DENOISED = np.array([[1.0, 10.0, 0.0], [0.0, 2.0, -4.0]])


def test_hand_computed_values():
    assert mse(DENOISED, CLEAN) == pytest.approx(5 / 6)
    assert psnr(DENOISED, CLEAN, 10.0) == pytest.approx(10 * math.log10(100 / (5 / 6)))
    assert imae(DENOISED, CLEAN) == pytest.approx(1.5)
    assert psnr(CLEAN, CLEAN, 10.0) == math.inf


def test_ssim_against_its_definition(rng):
    clean = gaussian_filter(rng.standard_normal((60, 60)) * 100, 3)
    noisy = clean + rng.standard_normal((60, 60))
    smooth = lambda x: gaussian_filter(x, 1.5, truncate=3.5)  # noqa: E731
    c1, c2 = (0.01 * 50) ** 2, (0.03 * 50) ** 2
    m1, m2 = smooth(clean), smooth(noisy)
    v1, v2, cov = smooth(clean**2) - m1**2, smooth(noisy**2) - m2**2, smooth(clean * noisy) - m1 * m2
    index = (2 * m1 * m2 + c1) * (2 * cov + c2) / ((m1**2 + m2**2 + c1) * (v1 + v2 + c2))
    assert ssim(noisy, clean, 50.0) == pytest.approx(index[5:-5, 5:-5].mean(), abs=1e-4)
    assert ssim(clean, clean, 50.0) == pytest.approx(1)
    assert math.isnan(ssim(clean[:10], clean[:10], 50.0)), "a plane with hardly a good channel"


def test_signal_bias_is_the_lost_amplitude():
    clean = np.array([[100.0, -50.0, 3.0, 0.0]])
    assert signal_bias(0.9 * clean, clean) == pytest.approx(-0.1)
    assert signal_bias(clean + np.array([[0, 0, 50, 50]]), clean) == pytest.approx(0), "below 3.5 ADC is no signal"
    assert math.isnan(signal_bias(clean, 0 * clean))
