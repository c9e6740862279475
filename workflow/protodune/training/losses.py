"""What training minimises: an error of the denoised waveform and a cross entropy of the regions of interest."""

from __future__ import annotations

import torch
from torch.nn import functional as F

LOSS_SCALE_ADC = 5.0
"""Waveform errors are in units of 5 ADC, so that gradients are of order one."""
HUBER_ADC = 20.0
"""Beyond this an error counts linearly: a few saturated or torn pulses would otherwise drown all other gradients."""


def waveform_loss(denoised: torch.Tensor, clean: torch.Tensor, kind: str) -> torch.Tensor:
    """Mean loss of waveforms in ADC, any shape: ``mse`` or ``huber``, both in units of (5 ADC)^2."""
    if kind == "mse":
        return F.mse_loss(denoised / LOSS_SCALE_ADC, clean / LOSS_SCALE_ADC)
    error = F.huber_loss(denoised / LOSS_SCALE_ADC, clean / LOSS_SCALE_ADC, delta=HUBER_ADC / LOSS_SCALE_ADC)
    return 2 * error  # Huber's is half the square


def roi_loss(logit: torch.Tensor, roi: torch.Tensor) -> torch.Tensor:
    """Mean binary cross entropy of logits against labels of 0 or 1, any shape."""
    return F.binary_cross_entropy_with_logits(logit, roi)
