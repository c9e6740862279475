import numpy as np
import pytest

from protodune.detector.known.protodune_sp import DETECTOR
from protodune.measure.known.distributions import (
    AMPLITUDE_EDGES_ADC,
    CHARGE_EDGES,
    errors_by_amplitude,
    errors_by_charge,
    residuals,
)

COLLECTION = DETECTOR.plane(0, "X")


def by_bin(measured, metric):
    return {m.low: m.value for m in measured if m.metric == metric}


def test_residuals_are_densities_of_background_and_signal():
    clean = np.zeros((2, 100), np.float32)
    clean[0, :50] = 10
    bins = list(residuals(clean + np.float32(1.1), clean))
    for name in ("residual_background", "residual_signal"):
        values = by_bin(bins, name)
        assert values[0.75] == pytest.approx(2.0), "all in one bin of half an ADC"
        assert sum(values.values()) * 0.5 == pytest.approx(1)
    nothing = by_bin(residuals(np.zeros((2, 4)), np.zeros((2, 4))), "residual_signal")
    assert all(np.isnan(v) for v in nothing.values())


def test_errors_by_amplitude_count_towards_larger_sizes():
    clean = np.array([[6.0, -6.0, 60.0, 0.0]])
    bins = list(errors_by_amplitude(np.array([[5.0, -5.0, 63.0, 9.0]]), clean))
    bias, rms = by_bin(bins, "amplitude_bias"), by_bin(bins, "amplitude_rms")
    assert bias[5] == pytest.approx(-1), "both signs lose one ADC"
    assert (bias[56], rms[56]) == (pytest.approx(3), pytest.approx(3))
    assert np.isnan(bias[AMPLITUDE_EDGES_ADC[0]])


def test_errors_by_charge_of_a_method_that_loses_a_tenth():
    rng = np.random.default_rng(1)
    clean = np.zeros((40, 200), np.float32)
    clean[:, 100:110] = rng.uniform(95, 105, (40, 1))
    truth = clean.reshape(40, 20, 10).max(axis=2) > 0
    bins = list(errors_by_charge(0.9 * clean, clean, truth, 10, COLLECTION))
    bias = by_bin(bins, "charge_bias_by_charge")
    assert bias[800] == pytest.approx(-0.1, abs=1e-6)
    assert by_bin(bins, "charge_resolution_by_charge")[800] == pytest.approx(0, abs=1e-6)
    assert np.isnan(bias[CHARGE_EDGES["collection"][0]]), "no region of that charge"


def test_bins_grow_with_the_gain():
    clean = np.array([[14.0, 0.0]])
    plain, loud = (by_bin(errors_by_amplitude(2 * clean, clean * 1.0, scale), "amplitude_bias") for scale in (1.0, 2.0))
    assert plain[14] == pytest.approx(14)
    assert loud[14] == pytest.approx(14), "14 ADC are 7 of the reference gain"
    assert sorted(loud) == pytest.approx(sorted(2 * low for low in plain))
