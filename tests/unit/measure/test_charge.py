import math
from dataclasses import replace

import numpy as np
import pytest

from protodune.detector.known.protodune_sp import DETECTOR
from protodune.measure.charge import charge_errors, charge_metrics, min_charge

COLLECTION, INDUCTION = DETECTOR.plane(0, "X"), DETECTOR.plane(0, "U")


def test_charge_errors_by_hand():
    clean = np.zeros((3, 200))
    clean[0, 50:60], clean[1, 190:200], clean[2, 20:30] = 100, 50, 1
    denoised = clean.copy()
    denoised[0, 50:60] *= 1.1
    denoised[0, 45] = 50  # inside the ten ticks before
    denoised[0, 30] = 500  # outside
    denoised[1] *= 0.8
    truth = np.zeros((3, 20), bool)
    truth[0, 5], truth[1, 19], truth[2, 2] = True, True, True
    # Areas 1000 and 500 ADC tick; the third has too little.
    assert charge_errors(denoised, clean, truth, 10, COLLECTION) == pytest.approx([0.15, -0.2])
    bipolar = clean * np.where(np.arange(200) % 2, 1, -1)
    assert charge_errors(0.5 * bipolar, bipolar, truth, 10, INDUCTION) == pytest.approx([-0.5, -0.5])
    errors = np.random.default_rng(1).normal(0.02, 0.1, 20_000)
    found = charge_metrics(errors)
    assert found["charge_bias"] == pytest.approx(0.02, abs=0.003)
    assert found["charge_resolution"] == pytest.approx(0.1, rel=0.03)
    assert all(math.isnan(v) for v in charge_metrics(errors[:0]).values())


def test_little_charge_is_little_of_the_plane_s_gain():
    """Twice the gain, twice the ADC of the same charge."""
    loud = replace(COLLECTION, electronics=replace(COLLECTION.electronics, gain_mv_per_fc=28.0))
    assert (min_charge(COLLECTION), min_charge(loud)) == (300.0, 600.0)
