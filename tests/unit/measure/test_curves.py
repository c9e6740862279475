import math

import numpy as np
import pytest

from protodune.measure.curves import OTHER, SIGNAL, areas_and_points, bootstrap_error, by_event, rates, roc_auc
from protodune.measure.regions import THRESHOLDS, region_auc, region_counts


def test_curves_by_hand():
    score = np.array([[0.95, 0.6, 0.6, 0.1, 0.0]])
    truth = np.array([[True, True, False, False, False]])
    found, false = region_counts(score, truth)
    assert len(found) == len(THRESHOLDS) + 2
    at = 1 + int(np.argmin(np.abs(THRESHOLDS - 0.5)))
    assert (found[0], false[0], found[at], false[at], found[-1], false[-1]) == (2, 3, 2, 1, 0, 0)
    # Sensitivity, specificity, purity at 0.5.
    assert rates([""] * len(found), found, false)[at][1:] == pytest.approx((1, 2 / 3, 2 / 3))
    assert math.isnan(rates([""] * len(found), found, false)[-1][3])
    assert roc_auc(found, false) == pytest.approx(region_auc(score, truth))
    assert math.isnan(roc_auc(found, 0 * false))


def test_area_of_the_curve_is_the_exact_one(rng):
    truth = rng.uniform(size=(50, 400)) < 0.1
    score = 1 / (1 + np.exp(-rng.normal(np.where(truth, 2, -2), 1.5)))
    assert roc_auc(*region_counts(score, truth)) == pytest.approx(region_auc(score, truth), abs=2e-3)


def test_bootstrap_is_by_event(rng):
    counts = rng.poisson(100, (40, 2)).astype(float)
    share = lambda c: c[0] / c.sum()  # noqa: E731
    # A share of two Poisson numbers of 4000: error 0.5 / sqrt(8000).
    assert bootstrap_error(counts, share) == pytest.approx(0.5 / math.sqrt(8000), rel=0.35)
    assert math.isnan(bootstrap_error(counts[:1], share))


def count_rows(event, unit, found, false, threshold="0.5", **more):
    place = {"detector": "d", "task": "t", "step": "s", "family": "collection", "method": "m", "sample": "s", "run": "1",
             "subrun": "1", "event": event, "detector_unit": unit, "low": threshold, **more}  # fmt: skip
    return [{**place, "metric": SIGNAL, "value": found}, {**place, "metric": OTHER, "value": false}]


def test_counts_of_one_event_belong_together():
    rows = [r for event, unit in (("1", "0"), ("1", "1"), ("2", "0")) for r in count_rows(event, unit, "3", "1")]
    thresholds, counts = by_event(rows)
    assert thresholds == ["0.5"]
    assert counts[:, :, 0].tolist() == [[6, 2], [3, 1]]


def test_areas_and_points_are_by_method():
    """A perfect selector, one that guesses, and a method that finds no regions."""
    rows = []
    for method, counts in {"perfect": ("10", "0"), "guess": ("5", "50")}.items():
        for threshold, (found, false) in {"-inf": ("10", "100"), "0.5": counts, "inf": ("0", "0")}.items():
            rows += count_rows("1", "0", found, false, threshold, method=method)
    rows.append({**rows[0], "method": "raw", "metric": "mse", "value": "3"})
    areas, points = areas_and_points(rows)
    assert [(a["method"], a["auc"], a["events"]) for a in areas] == [("perfect", 1.0, 1), ("guess", 0.5, 1)]
    assert math.isnan(areas[0]["error"]), "a single event"
    assert [(p["method"], p["threshold"]) for p in points][:2] == [("perfect", "-inf"), ("perfect", "0.5")]
    assert points[1]["purity"] == 1
