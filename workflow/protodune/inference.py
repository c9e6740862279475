"""Networks on whole planes, in strips of bounded memory that leave no seams."""

from __future__ import annotations

import numpy as np
import torch

from protodune.data.tiles import plan_axis, put_tile
from protodune.products import PlaneProduct

STRIP_PIXELS = 1_000_000
"""Kept pixels a strip: about 0.3 GB of activations for the U-Net."""


def infer_plane(model: torch.nn.Module, features: np.ndarray, precision: str = "float32") -> PlaneProduct:
    """Run a network over one plane, float32 (2, channels, ticks) in ADC; ROI scores are probabilities.

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
    shape = (padded.shape[1], padded.shape[2] // tick_step, tick_step)
    results = {name: np.empty(shape, np.float32) for name in model.outputs}
    device = next(model.parameters()).device
    whole_rows = plan_axis(padded.shape[1], padded.shape[1], 0)[0]
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        for span in spans:
            part = padded[:, :, span.start * tick_step : span.stop * tick_step]
            output = model(torch.from_numpy(np.ascontiguousarray(part))[None].to(device))[0]
            for name, image in zip(model.outputs, output, strict=True):
                image = torch.sigmoid(image) if name == "roi" else image
                folded = image.cpu().numpy().reshape(len(image), -1, tick_step).transpose(2, 0, 1)
                put_tile(results[name].transpose(2, 0, 1), folded, (whole_rows, span))
    return PlaneProduct(**{name: image.reshape(padded.shape[1], -1)[:rows, :ticks] for name, image in results.items()})
