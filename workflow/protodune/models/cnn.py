"""DUNEdn's convolutional network (Rossi and Vallecorsa 2022), module names and parameter count as there.

The names are kept so that a state dict of DUNEdn fits.  Its BatchNorm of each pre-processing block exists but is never
applied; it is kept for the same reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

_SLOPE = 0.05


@dataclass(frozen=True)
class CnnSettings:
    """``width``: hidden channels; 32 is the published network with 6,957,652 parameters."""

    width: int = 32


class TwoScaleConv(nn.Module):
    """Mean of a 3x3 and a 5x5 convolution."""

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, padding=1)
        self.conv2 = nn.Conv2d(n_in, n_out, 5, padding=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, n_in, h, w) to (batch, n_out, h, w)."""
        return (self.conv1(x) + self.conv2(x)) / 2


class PreProcessBlock(nn.Module):
    """Three convolutions of one kernel size, then the two-scale convolution."""

    def __init__(self, kernel: int, width: int):
        super().__init__()
        layers: list[nn.Module] = []
        for n_in in (1, width, width):
            layers += [nn.Conv2d(n_in, width, kernel, padding=kernel // 2), nn.LeakyReLU(_SLOPE)]
        self.convs = nn.Sequential(*layers)
        self.bn = nn.BatchNorm2d(width)
        self.gc = TwoScaleConv(width, width)
        self.act = nn.LeakyReLU(_SLOPE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, 1, h, w) to (batch, width, h, w)."""
        return self.act(self.gc(self.convs(x)))


class RoiBranch(nn.Module):
    """Probability of signal by pixel."""

    def __init__(self, width: int):
        super().__init__()
        self.pre_process_block = PreProcessBlock(7, width)
        self.gcs = nn.ModuleList(TwoScaleConv(width, width) for _ in range(8))
        self.gc_final = TwoScaleConv(width, 1)
        self.act = nn.LeakyReLU(_SLOPE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, 1, h, w) to (batch, 1, h, w) in (0, 1)."""
        return torch.sigmoid(self.logits(x))

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """The same before the sigmoid."""
        y = self.pre_process_block(x)
        for gc in self.gcs:
            y = self.act(gc(y))
        return self.gc_final(y)


class HighPassBlock(nn.Module):
    """A convolution and three two-scale convolutions."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.LeakyReLU(_SLOPE)
        )
        self.gcs = nn.ModuleList(TwoScaleConv(channels, channels) for _ in range(3))
        self.act = nn.LeakyReLU(_SLOPE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, c, h, w) to the same."""
        y = self.conv(x)
        for gc in self.gcs:
            y = self.act(gc(y))
        return y


class LowPassBlock(nn.Module):
    """A 5x5 convolution and three normalised two-scale convolutions, around a shortcut."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(channels, channels, 5, padding=2), nn.BatchNorm2d(channels), nn.LeakyReLU(_SLOPE)
        )
        self.gcs = nn.ModuleList(TwoScaleConv(channels, channels) for _ in range(3))
        self.bns = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(3))
        self.act = nn.LeakyReLU(_SLOPE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, c, h, w) to the same."""
        y = self.conv(x)
        for gc, bn in zip(self.gcs, self.bns, strict=True):
            y = self.act(bn(gc(y)))
        return x + y


class PostProcessBlock(nn.Module):
    """From all feature channels to one gain by pixel."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        sizes = (channels, 2 * width, width, 1)
        self.gcs = nn.ModuleList(TwoScaleConv(a, b) for a, b in pairwise(sizes))
        self.bns = nn.ModuleList(nn.BatchNorm2d(n) for n in sizes[1:-1])
        self.act = nn.LeakyReLU(_SLOPE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, c, h, w) to (batch, 1, h, w)."""
        for gc, bn in zip(self.gcs[:-1], self.bns, strict=True):
            x = self.act(bn(gc(x)))
        return self.gcs[-1](x)


class Cnn(nn.Module):
    """DUNEdn's CNN: a ROI branch, and a denoiser whose output is a signed gain times the input.

    The task ``roi`` uses and trains the ROI branch alone, as DUNEdn does.
    """

    multiple = (1, 1)
    # Convolutions reach 3 * 4 (9x9), 2 (gc), 2 + 6 (high pass), 4 * (2 + 6) and 6 pixels.
    reach = (60, 60)

    def __init__(self, settings: CnnSettings, task: str = "denoise"):
        super().__init__()
        self.outputs = ("roi",) if task == "roi" else ("denoised",)
        width = settings.width
        channels = 3 * width + 1
        self.roi = RoiBranch(width)
        self.pre_process_blocks = nn.ModuleList(PreProcessBlock(kernel, width) for kernel in (5, 7, 9))
        self.lpfs = nn.ModuleList(LowPassBlock(channels) for _ in range(4))
        self.hpf = HighPassBlock(channels)
        self.post_process_block = PostProcessBlock(channels, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (batch, 1 or more, h, w) ADC, of which the first channel counts, to denoised ADC or the ROI logit,
        (batch, 1, h, w)."""
        x = x[:, :1].contiguous(memory_format=torch.channels_last)
        if self.outputs == ("roi",):
            return self.roi.logits(x).float()
        y = torch.cat([*(block(x) for block in self.pre_process_blocks), self.roi(x)], dim=1)
        high = self.hpf(y)
        y = y + high
        for low in self.lpfs:
            y = low(y) + high
        return (self.post_process_block(y) * x).float()
