import json

import numpy as np
import pytest
import torch

from helpers import DATA
from protodune.measure.distributions import (
    AMPLITUDE_EDGES_ADC,
    CHARGE_EDGES,
    errors_by_amplitude,
    errors_by_charge,
    errors_by_ionisation,
    metrics_by_cut,
    regions_by_label,
    residuals,
)
from protodune.measure.dunedn import dunedn_metrics, stat_ssim
from protodune.learning.training import dunedn
from protodune.events.true_regions import TrueRegions

CASES = np.load(DATA / "dunedn_metrics_input.npz")
EXPECTED = json.loads((DATA / "dunedn_metrics_expected.json").read_text())


def by_bin(bins, quantity):
    return {b.low: b.value for b in bins if b.quantity == quantity}


def one(bins, quantity):
    return next(b.value for b in bins if b.quantity == quantity)


def test_dunedns_metrics_of_single_images_are_those_of_its_tensors():
    for target, prediction in zip(CASES["target"], CASES["prediction"], strict=True):
        found = dunedn_metrics(prediction[0], target[0])
        tensors = [torch.from_numpy(x[None]).double() for x in (prediction, target)]
        for name, metric in dunedn.METRICS.items():
            assert found[name] == pytest.approx(metric(*tensors).item(), rel=1e-6), name


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
    bins = list(errors_by_charge(0.9 * clean, clean, truth, 10, "collection"))
    bias = by_bin(bins, "charge_bias_by_charge")
    assert bias[800] == pytest.approx(-0.1, abs=1e-6)
    assert by_bin(bins, "charge_resolution_by_charge")[800] == pytest.approx(0, abs=1e-6)
    assert np.isnan(bias[CHARGE_EDGES["collection"][0]]), "no region of that charge"


def test_regions_by_label():
    clean = np.array([[0.0, 1.0, 4.0, 8.0]])
    bins = list(regions_by_label(np.array([[False, True, True, True]]), clean))
    assert by_bin(bins, "sensitivity_by_label")[3.5] == 1
    assert by_bin(bins, "specificity_by_label")[3.5] == 0.5
    assert by_bin(bins, "specificity_by_label")[0] == 1
    shares = [one(bins, f"{k}_share") for k in ("true_positive", "false_positive", "false_negative", "true_negative")]
    assert shares == [0.5, 0.25, 0, 0.25]


def test_metrics_by_cut():
    clean = np.zeros((20, 30), np.float32)
    clean[3, 5:8] = 20
    noisy = clean + np.where(np.arange(30) % 2, 3, -3).astype(np.float32)
    values = {(b.quantity, b.low): b.value for b in metrics_by_cut(noisy, clean, "collection")}
    assert values["mse_by_cut", 0] == pytest.approx(9)
    assert values["mse_by_cut", 3.5] == pytest.approx(3 * 9 / 600), "only what is left on the signal"
    assert values["absolute_area_mae_by_cut", 3.5] == pytest.approx(3 / 20), "of -3, 3, 3 on one channel of twenty"
    assert values["dunedn_psnr_by_cut", 0] == pytest.approx(10 * np.log10(20**2 / 9))


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
    bins = list(errors_by_ionisation(clean * gain[:, None], clean, found, "collection"))
    assert by_bin(bins, "charge_bias_mip") == pytest.approx(
        {0: 0.1, 30: np.nan, 60: np.nan, 75: -0.1}, nan_ok=True, abs=1e-5
    )
    assert by_bin(bins, "charge_bias_two_mip")[75] == pytest.approx(0.2, abs=1e-5)
    assert np.isnan(by_bin(bins, "charge_bias_two_mip")[0])
    assert np.isnan(by_bin(bins, "charge_resolution_stopping")[0])
    assert by_bin(bins, "charge_resolution_mip")[0] == pytest.approx(0, abs=1e-5)
    few = found.where(np.arange(4 * n) < 9)
    assert np.isnan(by_bin(errors_by_ionisation(clean, clean, few, "collection"), "charge_bias_mip")[0])
