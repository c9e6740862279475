import numpy as np
import pytest

from protodune.detector.known.protodune_sp import DETECTOR
from protodune.events.true_regions import TrueRegions
from protodune.measure.known.ionisation import errors_by_ionisation

COLLECTION = DETECTOR.plane(0, "X")


def by_bin(measured, metric):
    return {m.low: m.value for m in measured if m.metric == metric}


def test_errors_by_ionisation_and_angle():
    """Two classes at two angles, each found with an error of its own; what is of no single track does not count."""
    n = 12
    clean = np.zeros((4 * n, 200), np.float32)
    clean[:, 95:105] = 100
    gain = np.repeat([1.1, 0.9, 1.2, 0.5], n)
    found = TrueRegions(
        row=np.arange(4 * n), begin=np.full(4 * n, 90), end=np.full(4 * n, 110), electrons=np.ones(4 * n),
        particle=np.arange(4 * n), share=np.ones(4 * n), second=np.zeros(4 * n),
        theta_deg=np.repeat([10.0, 80.0, 80.0, np.nan], n), ionisation=np.repeat([1.0, 1.0, 2.0, np.nan], n),
    )  # fmt: skip
    bins = list(errors_by_ionisation(clean * gain[:, None], clean, found, COLLECTION))
    assert by_bin(bins, "charge_bias_mip") == pytest.approx(
        {0: 0.1, 30: np.nan, 60: np.nan, 75: -0.1}, nan_ok=True, abs=1e-5
    )
    assert by_bin(bins, "charge_bias_two_mip")[75] == pytest.approx(0.2, abs=1e-5)
    assert np.isnan(by_bin(bins, "charge_bias_two_mip")[0])
    assert np.isnan(by_bin(bins, "charge_resolution_stopping")[0])
    assert by_bin(bins, "charge_resolution_mip")[0] == pytest.approx(0, abs=1e-5)
    few = found.where(np.arange(4 * n) < 9)
    assert np.isnan(by_bin(errors_by_ionisation(clean, clean, few, COLLECTION), "charge_bias_mip")[0])
