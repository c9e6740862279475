"""What training minimises: an error of the denoised waveform and a cross entropy of the regions of interest."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from protodune.learning.training import dunedn

LOSS_SCALE_ADC = 5.0
"""Waveform errors are in units of 5 ADC, so that gradients are of order one."""
HUBER_ADC = 20.0
"""Beyond this an error counts linearly: a few saturated or torn pulses would otherwise drown all other gradients."""


def waveform_loss(denoised: torch.Tensor, clean: torch.Tensor, kind: str) -> torch.Tensor:
    """Mean loss of waveforms in ADC, (images, 1, channels, ticks): ``mse`` or ``huber``, both in units of (5 ADC)^2, or one
    of DUNEdn's others in its own units."""
    if kind == "mse":
        return F.mse_loss(denoised / LOSS_SCALE_ADC, clean / LOSS_SCALE_ADC)
    if kind != "huber":
        return dunedn.WAVEFORM_LOSSES[kind](denoised, clean)
    error = F.huber_loss(denoised / LOSS_SCALE_ADC, clean / LOSS_SCALE_ADC, delta=HUBER_ADC / LOSS_SCALE_ADC)
    return 2 * error  # Huber's is half the square


def roi_loss(logit: torch.Tensor, roi: torch.Tensor, kind: str = "cross_entropy") -> torch.Tensor:
    """Mean loss of logits against labels of 0 or 1, (images, 1, channels, ticks): binary cross entropy, or one of DUNEdn's
    on the probability."""
    if kind != "cross_entropy":
        return dunedn.ROI_LOSSES[kind](torch.sigmoid(logit), roi)
    return F.binary_cross_entropy_with_logits(logit, roi)
