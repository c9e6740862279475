"""DUNEdn's metrics as it defines them.  That its tensors give the same is a test of the training."""

import json

import numpy as np
import pytest

from helpers import DATA
from protodune.measure.dunedn import above, dunedn_metrics, stat_ssim
from protodune.measure.known.dunedn import metrics_by_cut

CASES = np.load(DATA / "dunedn_metrics_input.npz")
EXPECTED = json.loads((DATA / "dunedn_metrics_expected.json").read_text())


def test_dunedns_metrics_are_what_it_printed():
    """Beyond the edges its SSIM takes the mean of all images of a batch, ours that of the image."""
    found = [dunedn_metrics(p[0], t[0]) for t, p in zip(CASES["target"], CASES["prediction"], strict=True)]
    for name, key, tolerance in (
        ("mse", "MSE", 1e-5),
        ("imae", "IMAE", 1e-5),
        ("psnr", "psnr", 1e-5),
        ("ssim", "ssim", 1e-2),
    ):
        assert [f[name] for f in found] == pytest.approx(EXPECTED["noisy"][key], rel=tolerance), name


def test_an_empty_plane_has_no_ssim_and_no_psnr():
    empty = np.zeros((20, 30), np.float32)
    assert np.isnan(stat_ssim(empty, empty))
    assert dunedn_metrics(empty, empty)["psnr"] == 0


def test_metrics_by_cut():
    clean = np.zeros((20, 30), np.float32)
    clean[3, 5:8] = 20
    noisy = clean + np.where(np.arange(30) % 2, 3, -3).astype(np.float32)
    values = {(m.metric, m.low): m.value for m in metrics_by_cut(noisy, clean, 400.0)}
    assert values["mse_by_cut", 0] == pytest.approx(9)
    assert values["mse_by_cut", 3.5] == pytest.approx(3 * 9 / 600), "only what is left on the signal"
    assert values["absolute_area_mae_by_cut", 3.5] == pytest.approx(3 / 20), "of -3, 3, 3 on one channel of twenty"
    assert values["dunedn_psnr_by_cut", 0] == pytest.approx(10 * np.log10(20**2 / 9))


def test_the_cut_keeps_what_is_above():
    image = np.array([[1.0, -4.0, 3.5]], np.float32)
    assert above(image, 3.5).tolist() == [[0, -4, 0]]
    assert above(image, 0) is image
