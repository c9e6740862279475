"""DUNEdn's losses and metrics under its own names (Rossi and Vallecorsa 2022, code DUNEdn v2), for its reproduction.

They are kept as they are there, peculiarities included: ``stat_ssim`` with constants of 1e-26 tests for exact zeros rather
than structure, ``psnr`` takes the peak of each clean image, ``imae`` cannot see errors of bipolar pulses.
All tensors (images, 1, channels, ticks) unless said; ADC.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional as F

SSIM_WINDOW, SSIM_SIGMA, SSIM_CONSTANT = 11, 3.0, 1e-26
SSIM_SHARE, SSIM_SCALE = 0.84, 1e-3
EPS = 2.2e-16


def mse(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean squared error of each image, (images,), ADC^2."""
    return (prediction - target).square().flatten(1).mean(1)


def imae(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean over the channels of |sum over ticks of the difference| of each image, (images,), ADC tick."""
    return (prediction.sum(-1) - target.sum(-1)).abs().flatten(1).mean(1)


def psnr(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """10 log10(max(target)^2 / MSE) of each image, (images,), dB; 0 where the target has no positive pixel."""
    peak = target.flatten(1).amax(1)
    value = 10 * torch.log10(peak.square() / (mse(prediction, target) + EPS))
    return torch.where(peak == 0, torch.zeros_like(value), value)


def stat_ssim(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """DUNEdn's structural similarity of each image, (images,).

    Both images are scaled to [0, 1] by their common extremes; Gaussian window of 11 pixels with sigma 3; beyond the edges is
    the mean of all images together; variances about the map of local means.  NaN where both images are constant and equal.
    """
    low = torch.minimum(prediction.flatten(1).amin(1), target.flatten(1).amin(1))[:, None, None, None]
    high = torch.maximum(prediction.flatten(1).amax(1), target.flatten(1).amax(1))[:, None, None, None]
    x, y = ((image - low) / (high - low) for image in (prediction, target))
    mean_x, mean_y = _blur(x), _blur(y)
    off_x, off_y = x - mean_x, y - mean_y
    var_x, var_y, covariance = _blur(off_x * off_x), _blur(off_y * off_y), _blur(off_x * off_y)
    c = SSIM_CONSTANT
    means = (2 * mean_x * mean_y + c) / (mean_x.square() + mean_y.square() + c)
    return (means * (2 * covariance + c) / (var_x + var_y + c)).flatten(1).mean(1)


def _blur(image: torch.Tensor) -> torch.Tensor:
    """Gaussian mean of (images, 1, h, w); beyond the edges is the mean of all of it."""
    place = torch.arange(SSIM_WINDOW, dtype=image.dtype, device=image.device) - SSIM_WINDOW // 2
    weight = torch.exp(-place.square() / (2 * SSIM_SIGMA**2))
    weight = (weight / weight.sum())[None, None]
    half = SSIM_WINDOW // 2
    padded = F.pad(image, (half, half, half, half), value=image.mean().item())  # zeros must stay exact zeros
    return F.conv2d(F.conv2d(padded, weight[..., None]), weight[:, :, None])


def ssim_loss(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """1 - stat_ssim, mean over the images."""
    return 1 - stat_ssim(prediction, target).mean()


def ssim_l1(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """0.84 of the mean absolute error and 0.16 of a thousandth of ``ssim_loss``."""
    return SSIM_SHARE * F.l1_loss(prediction, target) + (1 - SSIM_SHARE) * SSIM_SCALE * ssim_loss(prediction, target)


def ssim_l2(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """0.84 of the mean squared error and 0.16 of a thousandth of ``ssim_loss``."""
    return SSIM_SHARE * F.mse_loss(prediction, target) + (1 - SSIM_SHARE) * SSIM_SCALE * ssim_loss(prediction, target)


def bce(probability: torch.Tensor, label: torch.Tensor, ratio: float = 0.5) -> torch.Tensor:
    """Cross entropy with the two classes divided by their shares, ``ratio`` and 1 - ``ratio``; mean over the pixels."""
    eps = torch.finfo(probability.dtype).eps if probability.dtype != torch.float64 else EPS
    p = probability.clamp(eps, 1 - eps)
    return (-label * torch.log(p) / ratio - (1 - label) * torch.log(1 - p) / (1 - ratio)).mean()


def softdice(probability: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """1 minus the Dice ratios of signal and background (each at most 1/2), mean over the images; 0 if perfect."""
    return (1 - _dice(probability, label)).mean()


def bce_dice(probability: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """``bce`` minus the log of the Dice ratios' sum."""
    return bce(probability, label) - torch.log(_dice(probability, label)).mean()


def _dice(p: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    p, y = p.flatten(1), y.flatten(1)
    signal = ((p * y).sum(1) + EPS) / ((p * p + y * y).sum(1) + EPS)
    other = (((1 - p) * (1 - y)).sum(1) + EPS) / (((1 - p).square() + (1 - y).square()).sum(1) + EPS)
    return signal + other


WAVEFORM_LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "mse": lambda p, y: mse(p, y).mean(),
    "imae": lambda p, y: imae(p, y).mean(),
    "ssim": ssim_loss,
    "ssim_l1": ssim_l1,
    "ssim_l2": ssim_l2,
}
REGION_LOSSES = {"bce": bce, "softdice": softdice, "bce_dice": bce_dice}
METRICS = {"ssim": stat_ssim, "psnr": psnr, "mse": mse, "imae": imae}
