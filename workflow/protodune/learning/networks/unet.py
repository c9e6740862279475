"""A small U-Net for whole planes: a gated residual for denoising and a logit for regions of interest, in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from protodune.learning.network import NetworkSpec

COMPRESS_ADC = 20.0
"""Input values are compressed to asinh(x / 20 ADC): linear for noise, logarithmic for bright hits, whose features would
otherwise drown the noise estimate."""
OUTPUT_SCALE_ADC = 5.0
"""The noise estimate is in units of its typical size."""


@dataclass(frozen=True)
class UNetSettings:
    """``widths``: channels per level; ``fold``: neighbouring ticks folded into channels by the stem."""

    widths: tuple[int, ...] = (16, 32, 64, 128)
    fold: int = 4


def compress(x: torch.Tensor) -> torch.Tensor:
    """Return asinh(x / 20 ADC), by functions that have vector instructions: torch's own asinh takes longer than a layer."""
    size = x.abs() * (1 / COMPRESS_ADC)
    return torch.sign(x) * torch.log1p(size + torch.sqrt(size * size + 1) - 1)  # copysign cannot go to ONNX


def _block(n_in: int, n_out: int, convolutions: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for first in [n_in] + [n_out] * (convolutions - 1):
        layers += [nn.Conv2d(first, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """U-Net on [waveform, group median]; denoised output sigmoid(a) (x - n) with the network's gate a and noise estimate n,
    and the logit of the probability that a pixel belongs to a region of interest.

    The stem folds ``fold`` ticks into channels, since a convolution of one channel at full resolution is slow.  The gate
    gives exact silence where there is no signal, which a plain residual does not.  On the way up the skips are added, not
    appended, and one convolution follows: a third of the operations of the usual two on both.
    """

    def __init__(self, settings: UNetSettings, outputs: dict[str, int]):
        super().__init__()
        self.bytes_per_pixel = {"float32": 240, "bfloat16": 120}
        self.fold = settings.fold
        widths = settings.widths
        self.encoder = nn.ModuleList()
        n_in = 2 * settings.fold
        for width in widths:
            self.encoder.append(_block(n_in, width, 2))
            n_in = width
        self.up = nn.ModuleList()
        self.decoder = nn.ModuleList()
        for width, below in zip(widths[-2::-1], widths[:0:-1], strict=True):
            self.up.append(nn.Sequential(nn.Conv2d(below, width, 1), nn.Upsample(scale_factor=2, mode="nearest")))
            self.decoder.append(_block(width, width, 1))
        self.head = nn.Conv2d(widths[0], 3 * settings.fold, 3, padding=1)
        depth = len(widths) - 1
        self.multiple = (2**depth, settings.fold * 2**depth)
        # Two 3x3 convolutions per level on the way down, one on the way up, and the head: the reach of one output pixel.
        reach = sum((2 + 1) * 2**level for level in range(depth)) + 2 * 2**depth + 2**depth + 1
        self.reach = (reach, settings.fold * reach)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (batch, 2, channels, ticks) ADC to denoised ADC and the logit of regions, (batch, 2, channels, ticks); sizes
        in multiples of ``multiple``."""
        y = self._fold(compress(x))
        skips = []
        for level, block in enumerate(self.encoder):
            if level:
                y = nn.functional.max_pool2d(y, 2)
            y = block(y)
            skips.append(y)
        for up, block, skip in zip(self.up, self.decoder, skips[-2::-1], strict=True):
            y = block(up(y).add_(skip))
        y = self._unfold(self.head(y))
        denoised = torch.sigmoid(y[:, :1]) * (x[:, :1] - OUTPUT_SCALE_ADC * y[:, 1:2])
        return torch.cat([denoised, y[:, 2:]], dim=1)

    def _fold(self, y: torch.Tensor) -> torch.Tensor:
        """(batch, c, channels, ticks) to (batch, c * fold, channels, ticks / fold), channels last."""
        y = y.unflatten(3, (-1, self.fold)).permute(0, 1, 4, 2, 3).flatten(1, 2)
        return y.contiguous(memory_format=torch.channels_last)

    def _unfold(self, y: torch.Tensor) -> torch.Tensor:
        """(batch, c * fold, channels, ticks / fold) to float32 (batch, c, channels, ticks)."""
        return y.float().unflatten(1, (-1, self.fold)).permute(0, 1, 3, 4, 2).flatten(3)


SPEC = NetworkSpec(
    build=UNet,
    settings=UNetSettings,
    features="waveform",
    serves={"denoise": ("denoised", "regions")},
    window=None,
    rounding_decides=False,
)
