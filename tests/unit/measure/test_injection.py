import numpy as np
import pytest

from protodune.detector.known.protodune_sp import DETECTOR
from protodune.measure.injection import recovered

COLLECTION = DETECTOR.plane(0, "X")


def plane(n=60, ticks=400, amplitude=20.0):
    """One square pulse of 1000 ADC ticks on every channel."""
    clean = np.zeros((n, ticks), np.float32)
    clean[:, 200:250] = amplitude
    return clean, clean.reshape(n, -1, 10).max(axis=2) > 0


def by(bins, metric):
    return {b.low: b.value for b in bins if b.metric == metric and b.value == b.value}


def test_a_perfect_method_recovers_everything():
    clean, truth = plane()
    recorded = np.random.default_rng(1).normal(0, 1, clean.shape).astype(np.float32)
    nothing = np.zeros_like(truth)
    before, after = {"denoised": recorded, "regions": nothing}, {"denoised": recorded + clean, "regions": truth}
    bins = list(recovered(before, after, clean, truth, COLLECTION))
    assert by(bins, "efficiency_by_charge") == {800: 1.0}
    assert by(bins, "charge_bias_by_charge")[800] == pytest.approx(0, abs=1e-5)


def test_what_is_lost_shows():
    clean, truth = plane()
    found = truth.copy()
    found[:15] = False
    before = {"denoised": np.zeros_like(clean), "regions": np.zeros_like(truth)}
    bins = list(recovered(before, {"denoised": 0.8 * clean, "regions": found}, clean, truth, COLLECTION))
    assert by(bins, "efficiency_by_charge") == {800: 0.75}
    assert by(bins, "charge_bias_by_charge")[800] == pytest.approx(-0.2, abs=1e-5)


def test_what_was_loud_before_does_not_count():
    clean, truth = plane()
    old = np.zeros_like(truth)
    old[:30, 19] = True  # just before the injected region, on half of the channels
    after = {"denoised": clean, "regions": truth & (np.arange(60) >= 30)[:, None]}
    bins = list(recovered({"denoised": np.zeros_like(clean), "regions": old}, after, clean, truth, COLLECTION))
    assert by(bins, "efficiency_by_charge") == {800: 1.0}, "the thirty that were not found were loud before"


def test_a_method_without_regions_has_charge_only():
    clean, truth = plane()
    bins = list(recovered({"denoised": clean * 0}, {"denoised": clean}, clean, truth, COLLECTION))
    assert not by(bins, "efficiency_by_charge")
    assert by(bins, "charge_bias_by_charge") == {800: 0.0}


def test_few_regions_have_no_numbers():
    clean, truth = plane(n=5)
    assert not by(
        list(recovered({"denoised": clean * 0}, {"denoised": clean}, clean, truth, COLLECTION)), "charge_bias_by_charge"
    )
