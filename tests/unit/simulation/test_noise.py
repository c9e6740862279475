import dataclasses

import numpy as np
import pytest

from plugins.small_detector import DETECTOR as SMALL
from protodune.detector.known.protodune_sp import DETECTOR
from protodune.simulation.noise import coherent_noise, incoherent_noise
from protodune.simulation.settings import SimulationSettings

EQUAL = SimulationSettings()
PLANES = DETECTOR.units[0].planes
ONES = {plane: np.ones(info.n_channels, np.float32) for plane, info in PLANES.items()}


@pytest.mark.parametrize(("plane", "rms"), [("U", 4.29), ("V", 4.29), ("X", 3.71)])
def test_incoherent_rms(plane, rms):
    noise = incoherent_noise(np.random.default_rng(1), PLANES[plane], 6000, EQUAL, ONES[plane])
    assert noise.std() == pytest.approx(rms, rel=0.02)


def test_rms_does_not_depend_on_the_length():
    noise = incoherent_noise(np.random.default_rng(1), PLANES["X"], 700, EQUAL, ONES["X"])
    assert noise.shape == (960, 700)
    assert noise.std() == pytest.approx(3.71, rel=0.03)


def test_rms_scales_with_the_gain_and_not_with_the_tick():
    # White noise up to the Nyquist frequency counts a little less where ticks are longer.
    plane = SMALL.plane(0, "X")
    noise = incoherent_noise(np.random.default_rng(1), plane, 6000, EQUAL, np.ones(plane.n_channels, np.float32))
    assert noise.std() == pytest.approx(3.71 * 11.7 / 2.925, rel=0.03)


def test_noise_is_coloured():
    noise = incoherent_noise(np.random.default_rng(1), PLANES["U"], 6000, EQUAL, ONES["U"])
    lag = [float((noise[:, k:] * noise[:, :-k]).mean() / (noise**2).mean()) for k in (1, 2, 4, 6)]
    assert lag == pytest.approx([0.78, 0.51, -0.01, -0.16], abs=0.03)


def test_coherent_rms_and_groups():
    rms = []
    for seed in range(5):
        shared = coherent_noise(np.random.default_rng(seed), DETECTOR, DETECTOR.units[0], 6000, EQUAL)
        assert {p: v.shape for p, v in shared.items()} == dict.fromkeys("UVX", (20, 6000))
        rms.append(shared["U"].std())
    assert np.mean(rms) == pytest.approx(np.hypot(3.32, 0.65), rel=0.1)
    # Board 20 lacks the line at 330 kHz.
    line = np.abs(np.fft.rfft(shared["U"], axis=1))[:, 985:996].max(axis=1)
    assert np.argmin(line) == PLANES["U"].boards.index(20)
    assert np.sort(line)[1] > 5 * line.min()
    # The same boards read all planes.
    assert sorted(shared["U"].std(axis=1)) == pytest.approx(sorted(shared["X"].std(axis=1)))


def test_the_boards_of_another_detector():
    shared = coherent_noise(np.random.default_rng(1), SMALL, SMALL.units[1], 1200, EQUAL)
    assert {p: v.shape for p, v in shared.items()} == dict.fromkeys("UVX", (4, 1200))
    assert np.array_equal(shared["U"], shared["X"]), "the same boards in the same order"
    silent = dataclasses.replace(SMALL, coherent_noise=None)
    assert coherent_noise(np.random.default_rng(1), silent, silent.units[0], 1200, EQUAL) == dict.fromkeys("UVX")
