import math

import numpy as np
import pytest

from protodune.events.truth import region_found, region_truth
from protodune.measure.regions import THRESHOLDS, count_thresholds, region_auc, region_counts, region_metrics


def test_regions_by_hand():
    truth = np.array([[1, 1, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0]], bool)
    found = np.array([[0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0]], bool)
    values = region_metrics(found, truth)
    assert values == {"pixel_efficiency": 1 / 3, "pixel_purity": 1 / 4, "region_efficiency": 1 / 2, "region_purity": 1 / 2}
    empty = region_metrics(np.zeros_like(found), np.zeros_like(truth))
    assert all(math.isnan(v) for v in empty.values())


def test_regions_are_told_ten_ticks_at_a_time():
    charge = np.zeros((1, 25))
    charge[0, 3] = 1001
    charge[0, 12] = 999
    assert region_truth(charge).tolist() == [[True, False]]
    score = np.zeros((1, 20))
    score[0, :5] = 1
    assert region_found(score).tolist() == [[True, False]]


def test_auc_against_counting_pairs(rng):
    score, truth = np.round(rng.uniform(size=(6, 50)), 1), rng.uniform(size=(6, 50)) < 0.3
    pairs = score[truth][:, None] - score[~truth][None, :]
    assert region_auc(score, truth) == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean())
    assert region_auc(truth.astype(float), truth) == 1
    assert math.isnan(region_auc(score, np.zeros_like(truth)))


def test_counts_fall_from_all_pixels_to_none():
    score = np.array([[0.95, 0.6, 0.6, 0.1, 0.0]])
    truth = np.array([[True, True, False, False, False]])
    found, false = region_counts(score, truth)
    assert len(found) == len(count_thresholds()) == len(THRESHOLDS) + 2
    assert (found[0], false[0], found[-1], false[-1]) == (2, 3, 0, 0)
    assert (np.diff(found) <= 0).all()
