import json

import numpy as np
import pytest
import torch

from helpers import DATA
from protodune.learning.training.dunedn import METRICS, bce, bce_dice, softdice, ssim_l1, ssim_l2, ssim_loss, stat_ssim

CASES = np.load(DATA / "dunedn_metrics_input.npz")
EXPECTED = json.loads((DATA / "dunedn_metrics_expected.json").read_text())


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("case", EXPECTED)
def test_metrics_are_dunedns(case, name):
    target, prediction = (torch.from_numpy(CASES[k]).double() for k in ("target", "prediction"))
    if case == "cut3.5":
        prediction = torch.where(prediction.abs() <= 3.5, 0, prediction)
    wanted = EXPECTED[case][{"mse": "MSE", "imae": "IMAE"}.get(name, name)]
    assert METRICS[name](prediction, target).tolist() == pytest.approx(wanted, rel=1e-5)


def test_what_their_ssim_sees():
    """A test of exact zeros: an empty prediction of a nearly empty plane wins, a good one with a trace of noise loses."""
    target = torch.zeros(1, 1, 100, 200, dtype=torch.float64)
    target[0, 0, 30, 50:60] = 20.0
    noise = 1e-6 * torch.randn(target.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert stat_ssim(target, target).item() == pytest.approx(1)
    assert stat_ssim(target + noise, target).item() < 0.4
    assert stat_ssim(torch.zeros_like(target), target).item() > 0.6
    assert torch.isnan(stat_ssim(torch.zeros_like(target), torch.zeros_like(target))).all()


def test_losses_by_hand():
    target, prediction = (torch.from_numpy(CASES[k]) for k in ("target", "prediction"))
    similar = stat_ssim(prediction, target).mean()
    error = prediction - target
    assert ssim_loss(prediction, target) == pytest.approx((1 - similar).item())
    assert ssim_l1(prediction, target).item() == pytest.approx((0.84 * error.abs().mean() + 0.16e-3 * (1 - similar)).item())
    assert ssim_l2(prediction, target).item() == pytest.approx((0.84 * (error**2).mean() + 0.16e-3 * (1 - similar)).item())
    label = torch.tensor([1.0, 0.0, 1.0, 0.0]).reshape(1, 1, 2, 2)
    p = torch.tensor([0.9, 0.2, 0.5, 0.0]).reshape(1, 1, 2, 2)
    entropy = -(np.log(0.9) + np.log(0.8) + np.log(0.5) + np.log(1.0)) / 4
    assert bce(p, label).item() == pytest.approx(2 * entropy, rel=1e-5)
    dice = (0.9 + 0.5) / (0.81 + 0.04 + 0.25 + 2) + (0.8 + 1) / (0.01 + 0.64 + 0.25 + 1 + 2)
    assert softdice(p, label).item() == pytest.approx(1 - dice, rel=1e-5)
    assert bce_dice(p, label).item() == pytest.approx(2 * entropy - np.log(dice), rel=1e-5)
    assert softdice(label, label).item() == pytest.approx(0, abs=1e-6)
