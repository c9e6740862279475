import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from protodune.measure.waveforms import (
    THRESHOLDS,
    bootstrap_error,
    charge_errors,
    charge_metrics,
    imae,
    image_metrics,
    mean_over_events,
    mse,
    psnr,
    roc_auc,
    roi_auc,
    roi_counts,
    roi_metrics,
    signal_bias,
    ssim,
)
from protodune.events.truth import roi_found, roi_truth
from protodune.stages.measure.roi_curves import by_event, rates
from protodune.stages.measure.table import blocks, summarise
from protodune.publish.typeset import markdown

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


def test_imae_is_for_collection_only():
    big = np.zeros((20, 20))
    assert "imae" in image_metrics(big, big, "collection")
    assert "imae" not in image_metrics(big, big, "induction")


def test_errors_are_by_event():
    # Two images of event 1 count as one measurement.
    mean, error, n = mean_over_events([1.0, 3.0, 6.0], ["a", "a", "b"])
    assert (mean, n) == (4.0, 2)
    assert error == pytest.approx(np.std([2, 6], ddof=1) / math.sqrt(2))
    assert math.isnan(mean_over_events([1.0], ["a"])[1])
    assert mean_over_events([], [])[2] == 0


def test_the_table_for_people():
    rows = [
        {"plane": "collection", "region": region, "method": "raw", "metric": "mse", "value": str(v), "sample": "s",
         "run": "1", "subrun": "0", "event": str(e)}
        for region in ("all", "drift") for e, v in enumerate((2.0, 4.0))
    ]  # fmt: skip
    text = markdown(blocks(summarise(rows)))
    assert "### collection, all channels, 2 event(s)" in text
    assert "### collection, drift-facing half, 2 event(s)" in text
    assert "| raw | 3 ± 1 |" in text
    assert "±" not in markdown(blocks(summarise(rows[:1])))


def test_regions_by_hand():
    truth = np.array([[1, 1, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0]], bool)
    found = np.array([[0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0]], bool)
    values = roi_metrics(found, truth)
    assert values == {"pixel_efficiency": 1 / 3, "pixel_purity": 1 / 4, "roi_efficiency": 1 / 2, "roi_purity": 1 / 2}
    empty = roi_metrics(np.zeros_like(found), np.zeros_like(truth))
    assert all(math.isnan(v) for v in empty.values())


def test_regions_are_told_ten_ticks_at_a_time():
    charge = np.zeros((1, 25))
    charge[0, 3] = 1001
    charge[0, 12] = 999
    assert roi_truth(charge).tolist() == [[True, False]]
    score = np.zeros((1, 20))
    score[0, :5] = 1
    assert roi_found(score).tolist() == [[True, False]]


def test_auc_against_counting_pairs(rng):
    score, truth = np.round(rng.uniform(size=(6, 50)), 1), rng.uniform(size=(6, 50)) < 0.3
    pairs = score[truth][:, None] - score[~truth][None, :]
    assert roi_auc(score, truth) == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean())
    assert roi_auc(truth.astype(float), truth) == 1
    assert math.isnan(roi_auc(score, np.zeros_like(truth)))


def test_signal_bias_is_the_lost_amplitude():
    clean = np.array([[100.0, -50.0, 3.0, 0.0]])
    assert signal_bias(0.9 * clean, clean) == pytest.approx(-0.1)
    assert signal_bias(clean + np.array([[0, 0, 50, 50]]), clean) == pytest.approx(0), "below 3.5 ADC is no signal"
    assert math.isnan(signal_bias(clean, 0 * clean))


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
    assert charge_errors(denoised, clean, truth, 10, "collection") == pytest.approx([0.15, -0.2])
    bipolar = clean * np.where(np.arange(200) % 2, 1, -1)
    assert charge_errors(0.5 * bipolar, bipolar, truth, 10, "induction") == pytest.approx([-0.5, -0.5])
    errors = np.random.default_rng(1).normal(0.02, 0.1, 20_000)
    found = charge_metrics(errors)
    assert found["charge_bias"] == pytest.approx(0.02, abs=0.003)
    assert found["charge_resolution"] == pytest.approx(0.1, rel=0.03)
    assert all(math.isnan(v) for v in charge_metrics(errors[:0]).values())


def test_curves_by_hand():
    score = np.array([[0.95, 0.6, 0.6, 0.1, 0.0]])
    truth = np.array([[True, True, False, False, False]])
    found, false = roi_counts(score, truth)
    assert len(found) == len(THRESHOLDS) + 2
    at = 1 + int(np.argmin(np.abs(THRESHOLDS - 0.5)))
    assert (found[0], false[0], found[at], false[at], found[-1], false[-1]) == (2, 3, 2, 1, 0, 0)
    # Sensitivity, specificity, purity at 0.5.
    assert rates([""] * len(found), found, false)[at][1:] == pytest.approx((1, 2 / 3, 2 / 3))
    assert math.isnan(rates([""] * len(found), found, false)[-1][3])
    assert roc_auc(found, false) == pytest.approx(roi_auc(score, truth))
    assert math.isnan(roc_auc(found, 0 * false))


def test_area_of_the_curve_is_the_exact_one(rng):
    truth = rng.uniform(size=(50, 400)) < 0.1
    score = 1 / (1 + np.exp(-rng.normal(np.where(truth, 2, -2), 1.5)))
    assert roc_auc(*roi_counts(score, truth)) == pytest.approx(roi_auc(score, truth), abs=2e-3)


def test_bootstrap_is_by_event(rng):
    counts = rng.poisson(100, (40, 2)).astype(float)
    share = lambda c: c[0] / c.sum()  # noqa: E731
    # A share of two Poisson numbers of 4000: error 0.5 / sqrt(8000).
    assert bootstrap_error(counts, share) == pytest.approx(0.5 / math.sqrt(8000), rel=0.35)
    assert math.isnan(bootstrap_error(counts[:1], share))


def test_counts_of_one_event_belong_together():
    row = {"sample": "s", "run": "1", "subrun": "1", "view": "U", "threshold": "0.5"}
    rows = [{**row, "event": e, "apa": a, "found": "3", "false": "1"} for e, a in (("1", "0"), ("1", "1"), ("2", "0"))]
    thresholds, counts = by_event(rows)
    assert thresholds == ["0.5"]
    assert counts[:, :, 0].tolist() == [[6, 2], [3, 1]]
