import dataclasses

import numpy as np
import pytest

from plugins.small_detector import DETECTOR as SMALL
from protodune.detector.known.protodune_sp import DETECTOR, ELECTRONICS
from protodune.detector.response import electronics_response, field_current, kernel, margin_ticks, response_spectrum

PLANES = DETECTOR.units[0].planes


def test_amplifier_peaks_at_its_gain():
    time = np.arange(0, 10, 0.001)
    pulse = electronics_response(ELECTRONICS, time)
    assert pulse.max() == pytest.approx(14.0, rel=1e-3)
    assert time[pulse.argmax()] == pytest.approx(2.58, abs=0.02)
    assert electronics_response(ELECTRONICS, np.array([-1.0, 0.0, 10.0])).tolist() == [0, 0, 0]


def test_a_shorter_shaping_time_gives_a_shorter_pulse_of_the_same_height():
    time = np.arange(0, 10, 0.001)
    pulse = electronics_response(dataclasses.replace(ELECTRONICS, shaping_us=1.1), time)
    assert pulse.max() == pytest.approx(14.0, rel=1e-3)
    assert time[pulse.argmax()] == pytest.approx(1.29, abs=0.01)


def test_collection_integral_is_the_pulser_calibration():
    plane = PLANES["X"]
    total = sum(kernel(plane, r)[0].sum() * (1 if r == 0 else 2) for r in range(3))
    assert kernel(plane, 0)[0].sum() * 1000 == pytest.approx(41.65, rel=0.01)  # ADC tick per 1000 e
    assert total * 1000 == pytest.approx(41.4, rel=0.01)


@pytest.mark.parametrize("plane", ["U", "V"])
def test_induction_is_bipolar(plane):
    samples, _ = kernel(PLANES[plane], 0)
    assert abs(samples.sum()) < 0.01 * np.abs(samples).sum()


@pytest.mark.parametrize(("plane", "high", "low"), [("U", 1.45, -1.34), ("V", 1.40, -1.42), ("X", 5.43, 0.0)])
def test_peak_of_a_point_charge(plane, high, low):
    # Per 1000 e at nominal gain; the average over a tick costs up to 2.5 %.
    samples = kernel(PLANES[plane], 0)[0] * 1000 / 1.1365
    assert samples.max() == pytest.approx(high, rel=0.03)
    assert samples.min() == pytest.approx(low, rel=0.03, abs=0.01)


def test_another_tick_and_gain_give_the_same_pulse_in_time_and_charge():
    sp, small = PLANES["X"], SMALL.plane(0, "X")
    (a, first_a), (b, first_b) = kernel(sp, 0), kernel(small, 0)
    # Areas in ADC us per electron, and the time of the peak in us.
    assert b.sum() * small.tick_us / small.adc_scale == pytest.approx(a.sum() * sp.tick_us, rel=2e-3)
    peak = [
        (first + np.average(np.arange(len(k)), weights=k)) * p.tick_us
        for k, first, p in ((a, first_a, sp), (b, first_b, small))
    ]
    assert peak[0] == pytest.approx(peak[1], abs=0.05)
    assert (margin_ticks(sp.tick_us), margin_ticks(small.tick_us)) == (128, 125)


def test_spectrum_is_that_of_the_kernel():
    samples, first = kernel(PLANES["V"], 1)
    impulse = np.fft.irfft(response_spectrum(PLANES["V"], 1, 512), 512)
    assert np.allclose(np.roll(impulse, -first)[: len(samples)], samples, atol=1e-9)


def test_neighbours_see_less():
    time = np.arange(-30, 5, 0.05)
    sizes = [np.abs(field_current(PLANES["U"].field, r, time)).max() for r in range(3)]
    assert sizes[0] > 3 * sizes[1] > 6 * sizes[2]
