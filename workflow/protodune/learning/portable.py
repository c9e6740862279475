"""Networks for other frameworks: what is left to the caller is a pedestal-subtracted plane, or the network's features."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

from protodune.core.errors import ProtoduneError
from protodune.core.files import atomic_path
from protodune.events.products import Output
from protodune.learning.inference import activated
from protodune.learning.network import Network

OPSET = 18


class Portable(nn.Module):
    """A network with the activations of its outputs inside, and with what it makes of waveforms.

    A network on waveforms is called with ``waveforms``, float32 (batch, channels, ticks), ADC of the detector without
    pedestal, channels in whole groups of a front-end board in offline order, bad channels all zero.  One on other features,
    which need other planes or an earlier step, is called with these ``features``, float32 (batch, n_features, channels,
    pixels along time).  ``adc_scale``: the plane's.

    Returns an image of each output, (batch, channels, ticks or pixels), or (batch, k, channels, ticks or pixels) of k
    channels of the output.
    """

    def __init__(self, network: Network, group_size: int, adc_scale: float = 1.0):
        super().__init__()
        self.network, self.module = network, network.module.eval()
        self.group_size, self.adc_scale = group_size, adc_scale
        self.outputs = tuple(o.name for o in network.outputs)
        self.input = "waveforms" if network.spec.features == "waveform" else "features"

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Map a batch of what ``input`` names to one image per output."""
        if self.input == "waveforms":
            if self.adc_scale != 1:
                x = x / self.adc_scale
            x = torch.stack([x, group_median(x, self.group_size)], dim=1)
        rows, columns = x.shape[2], x.shape[3]
        row_step, column_step = self.module.multiple
        x = nn.functional.pad(x, (0, -columns % column_step, 0, -rows % row_step))
        parts = self.network.split(self.module(x)[:, :, :rows, :columns])
        return tuple(self._scaled(output, activated(output, parts[output.name])) for output in self.network.outputs)

    def _scaled(self, output: Output, images: torch.Tensor) -> torch.Tensor:
        return images * self.adc_scale if output.unit == "ADC" and self.adc_scale != 1 else images


def group_median(waveforms: torch.Tensor, group_size: int) -> torch.Tensor:
    """Return the median of each group of channels by tick, repeated for its channels, (batch, channels, ticks); channels
    that are zero throughout do not count, and where fewer than two are left it is 0.  As
    ``classical.coherent.group_median``."""
    grouped = waveforms.unflatten(1, (-1, group_size))
    bad = (grouped == 0).all(dim=3, keepdim=True)
    ordered = grouped.masked_fill(bad, torch.inf).sort(dim=2).values
    count = group_size - bad.sum(dim=2, keepdim=True)
    low, high = (
        ordered.gather(2, place.clamp(0, group_size - 1).expand(-1, -1, 1, ordered.shape[3]))
        for place in ((count - 1) // 2, count // 2)
    )
    median = torch.where(count >= 2, (low + high) / 2, torch.zeros_like(low))
    return median.expand_as(grouped).flatten(1, 2)


def write_onnx(portable: Portable, shape: tuple[int, ...], path: str | Path) -> float:
    """Write ONNX for inputs of ``shape`` without their batch, any batch; return the largest difference of its outputs by
    onnxruntime from the network's own, on noise with pulses.

    Raises a ProtoduneError if the difference is above 1e-4 of the largest output (where rounding decides what a network
    does, of three pixels in four); then nothing is written.
    """
    import onnxruntime

    example = example_plane(shape)
    expected = _call(portable, example)
    with atomic_path(path) as temporary:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            for name in ("onnxscript", "onnx_ir", "torch.onnx"):
                logging.getLogger(name).setLevel(logging.ERROR)  # they tell every node that they simplify
            # Two planes, or the exporter takes a batch of one for a constant.
            program = torch.onnx.export(
                portable,
                (torch.cat([example, example / 2]),),
                input_names=[portable.input],
                output_names=list(portable.outputs),
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
            program.save(str(temporary))
        session = onnxruntime.InferenceSession(str(temporary), providers=["CPUExecutionProvider"])
        return _checked(path, portable, session.run(None, {portable.input: example.numpy()}), expected)


def write_torchscript(portable: Portable, shape: tuple[int, ...], path: str | Path) -> float:
    """Write TorchScript for inputs of ``shape`` without their batch; return the largest difference as ``write_onnx``."""
    example = example_plane(shape)
    expected = _call(portable, example)
    with atomic_path(path) as temporary:
        with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.jit.trace(portable, (example,), check_trace=False).save(str(temporary))
            loaded = torch.jit.load(str(temporary))
            found = [image.numpy() for image in loaded(example)]
        return _checked(path, portable, found, expected)


def example_plane(shape: tuple[int, ...]) -> torch.Tensor:
    """Return planes of noise with some pulses, float32 (1, *shape), the last two axes channels and ticks; ADC; always the
    same."""
    generator = torch.Generator().manual_seed(1)
    x = 4 * torch.randn((1, *shape), generator=generator)
    x[..., ::7, 5::50] += 80
    x[..., 3, :] = 0
    return x


def _call(portable: Portable, example: torch.Tensor) -> list[np.ndarray]:
    with torch.no_grad():
        return [image.numpy() for image in portable(example)]


def _checked(path: str | Path, portable: Portable, found: list[np.ndarray], expected: list[np.ndarray]) -> float:
    differences = [np.abs(f - e) for f, e in zip(found, expected, strict=True)]
    # Where rounding chooses between nearly equal neighbours, a few pixels differ with everything as it should be.
    told_by = [float(np.quantile(d, 0.75) if portable.network.spec.rounding_decides else d.max()) for d in differences]
    allowed = 1e-4 * max(1.0, *(float(np.abs(e).max()) for e in expected))
    if not max(told_by) <= allowed:
        raise ProtoduneError(
            f"{path}: the exported network differs from the original by {max(told_by):.2g}, expected at most {allowed:.2g}; "
            "nothing was written, use the weights with protodune"
        )
    return max(float(d.max()) for d in differences)
