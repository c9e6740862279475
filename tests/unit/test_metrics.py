import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from protodune.metrics import imae, image_metrics, mean_over_events, mse, psnr, roi_auc, roi_metrics, ssim
from protodune.roi_truth import roi_found, roi_truth
from protodune.stages.table import markdown, summarise

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
    text = markdown(summarise(rows))
    assert "### collection, all channels, 2 event(s)" in text
    assert "### collection, drift-facing half, 2 event(s)" in text
    assert "| raw | 3 ± 1 |" in text
    assert "±" not in markdown(summarise(rows[:1]))


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
