"""DUNEdn's convolutional network (Rossi and Vallecorsa 2022), module names and parameter count as there.

The names are kept so that a state dict of DUNEdn fits.  Its BatchNorm of each pre-processing block exists but is never
applied; it is kept for the same reason.
"""

from __future__ import annotations

from collections.abc import Callable
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

    def forward(self, x: torch.Tensor, graph: None) -> torch.Tensor:
        """(batch, n_in, h, w) to (batch, n_out, h, w); there is no graph."""
        return (self.conv1(x) + self.conv2(x)) / 2


Convolution = type[nn.Module]
"""TwoScaleConv, or the graph convolution of the GCNN: (n_in, n_out) -> module of (x, graph)."""
Graph = Callable[[torch.Tensor], torch.Tensor | None]
"""From features to the graph of a GCNN's convolutions, to nothing for a CNN."""


class PreProcessBlock(nn.Module):
    """Three convolutions of one kernel size, then the network's own convolution."""

    def __init__(self, kernel: int, width: int, convolution: Convolution):
        super().__init__()
        layers: list[nn.Module] = []
        for n_in in (1, width, width):
            layers += [nn.Conv2d(n_in, width, kernel, padding=kernel // 2), nn.LeakyReLU(_SLOPE)]
        self.convs = nn.Sequential(*layers)
        self.bn = nn.BatchNorm2d(width)
        self.gc = convolution(width, width)
        self.act = nn.LeakyReLU(_SLOPE)

    def forward(self, x: torch.Tensor, graph: Graph) -> torch.Tensor:
        """(batch, 1, h, w) to (batch, width, h, w)."""
        y = self.convs(x)
        return self.act(self.gc(y, graph(y)))


class RoiBranch(nn.Module):
    """Probability of signal by pixel."""

    def __init__(self, width: int, convolution: Convolution):
        super().__init__()
        self.pre_process_block = PreProcessBlock(7, width, convolution)
        self.gcs = nn.ModuleList(convolution(width, width) for _ in range(8))
        self.gc_final = convolution(width, 1)
        self.act = nn.LeakyReLU(_SLOPE)

    def forward(self, x: torch.Tensor, graph: Graph) -> torch.Tensor:
        """(batch, 1, h, w) to (batch, 1, h, w) in (0, 1)."""
        return torch.sigmoid(self.logits(x, graph))

    def logits(self, x: torch.Tensor, graph: Graph) -> torch.Tensor:
        """The same before the sigmoid."""
        y = self.pre_process_block(x, graph)
        edges = None
        for number, gc in enumerate(self.gcs):
            if number % 3 == 0:
                edges = graph(y)
            y = self.act(gc(y, edges))
        return self.gc_final(y, graph(y))


class HighPassBlock(nn.Module):
    """A convolution and three of the network's own."""

    def __init__(self, channels: int, convolution: Convolution):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.LeakyReLU(_SLOPE)
        )
        self.gcs = nn.ModuleList(convolution(channels, channels) for _ in range(3))
        self.act = nn.LeakyReLU(_SLOPE)

    def forward(self, x: torch.Tensor, graph: Graph) -> torch.Tensor:
        """(batch, c, h, w) to the same."""
        y = self.conv(x)
        edges = graph(y)
        for gc in self.gcs:
            y = self.act(gc(y, edges))
        return y


class LowPassBlock(nn.Module):
    """A 5x5 convolution and three of the network's own, normalised, around a shortcut."""

    def __init__(self, channels: int, convolution: Convolution):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(channels, channels, 5, padding=2), nn.BatchNorm2d(channels), nn.LeakyReLU(_SLOPE)
        )
        self.gcs = nn.ModuleList(convolution(channels, channels) for _ in range(3))
        self.bns = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(3))
        self.act = nn.LeakyReLU(_SLOPE)

    def forward(self, x: torch.Tensor, graph: Graph) -> torch.Tensor:
        """(batch, c, h, w) to the same."""
        y = self.conv(x)
        edges = graph(y)
        for gc, bn in zip(self.gcs, self.bns, strict=True):
            y = self.act(bn(gc(y, edges)))
        return x + y


class PostProcessBlock(nn.Module):
    """From all feature channels to one gain by pixel."""

    def __init__(self, channels: int, width: int, convolution: Convolution):
        super().__init__()
        sizes = (channels, 2 * width, width, 1)
        self.gcs = nn.ModuleList(convolution(a, b) for a, b in pairwise(sizes))
        self.bns = nn.ModuleList(nn.BatchNorm2d(n) for n in sizes[1:-1])
        self.act = nn.LeakyReLU(_SLOPE)

    def forward(self, x: torch.Tensor, graph: Graph) -> torch.Tensor:
        """(batch, c, h, w) to (batch, 1, h, w)."""
        for gc, bn in zip(self.gcs[:-1], self.bns, strict=True):
            x = self.act(bn(gc(x, graph(x))))
        return self.gcs[-1](x, graph(x))


class Cnn(nn.Module):
    """DUNEdn's CNN: a ROI branch, and a denoiser whose output is a signed gain times the input.

    The task ``roi`` uses and trains the ROI branch alone, as DUNEdn does.
    """

    convolution: Convolution = TwoScaleConv
    multiple = (1, 1)
    # Convolutions reach 3 * 4 (9x9), 2 (gc), 2 + 6 (high pass), 4 * (2 + 6) and 6 pixels.
    reach = (60, 60)

    def __init__(self, settings: CnnSettings, task: str = "denoise"):
        super().__init__()
        self.outputs = ("roi",) if task == "roi" else ("denoised",)
        width = settings.width
        channels = 3 * width + 1
        self.roi = RoiBranch(width, self.convolution)
        self.pre_process_blocks = nn.ModuleList(PreProcessBlock(kernel, width, self.convolution) for kernel in (5, 7, 9))
        self.lpfs = nn.ModuleList(LowPassBlock(channels, self.convolution) for _ in range(4))
        self.hpf = HighPassBlock(channels, self.convolution)
        self.post_process_block = PostProcessBlock(channels, width, self.convolution)

    def graph(self, x: torch.Tensor) -> torch.Tensor | None:
        """Return the graph of features (batch, c, h, w): none here."""
        return None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (batch, 1 or more, h, w) ADC, of which the first channel counts, to denoised ADC or the ROI logit,
        (batch, 1, h, w)."""
        x = x[:, :1].contiguous(memory_format=torch.channels_last)
        if self.outputs == ("roi",):
            return self.roi.logits(x, self.graph).float()
        y = torch.cat([*(block(x, self.graph) for block in self.pre_process_blocks), self.roi(x, self.graph)], dim=1)
        high = self.hpf(y, self.graph)
        y = y + high
        for low in self.lpfs:
            y = low(y, self.graph) + high
        return (self.post_process_block(y, self.graph) * x).float()
