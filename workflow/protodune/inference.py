"""Networks on whole planes, in strips of bounded memory that leave no seams."""

from __future__ import annotations

import numpy as np
import torch

from protodune.data.tiles import plan_axis, put_tile

STRIP_PIXELS = 1_000_000
"""Kept pixels a strip: about 0.3 GB of activations for the U-Net."""


def denoise_plane(model: torch.nn.Module, features: np.ndarray, precision: str = "float32") -> np.ndarray:
    """Run a network over one plane: float32 (2, channels, ticks) to (channels, ticks), ADC.

    Strips take all channels and overlap along time by the network's reach on both sides; they begin at multiples of its
    stride, so the result is that of the whole plane at once.
    """
    _, rows, ticks = features.shape
    row_step, tick_step = model.multiple
    padded = np.pad(features, ((0, 0), (0, -rows % row_step), (0, -ticks % tick_step)))
    halo = -(-model.reach[1] // tick_step) * tick_step
    strip = max(tick_step, STRIP_PIXELS // padded.shape[1] // tick_step * tick_step) + 2 * halo
    # In units of tick_step, so that the halves of an overlap are whole steps too.
    spans = plan_axis(padded.shape[2] // tick_step, strip // tick_step, 2 * halo // tick_step)
    result = np.empty((padded.shape[1], padded.shape[2] // tick_step, tick_step), np.float32)
    device = next(model.parameters()).device
    whole_rows = plan_axis(padded.shape[1], padded.shape[1], 0)[0]
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        for span in spans:
            part = padded[:, :, span.start * tick_step : span.stop * tick_step]
            output = model(torch.from_numpy(np.ascontiguousarray(part))[None].to(device))[0, 0].cpu().numpy()
            folded = output.reshape(len(output), -1, tick_step).transpose(2, 0, 1)
            put_tile(result.transpose(2, 0, 1), folded, (whole_rows, span))
    return result.reshape(padded.shape[1], -1)[:rows, :ticks]
