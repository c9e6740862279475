"""DUNEdn's convolutional network (Rossi and Vallecorsa 2022), module names and parameter count as there.

The names are kept so that a state dict of DUNEdn fits.  Its BatchNorm of each pre-processing block exists but is never
applied; it is kept for the same reason.  The blocks do not know which layer mixes a pixel with others: ``Mixing`` makes that
layer, of convolutions here, of convolutions and a graph in ``gcnn``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

from protodune.learning.network import NetworkSpec

_SLOPE = 0.05


@dataclass(frozen=True)
class CnnSettings:
    """``width``: hidden channels; 32 is the published network with 6,957,652 parameters."""

    width: int = 32


class Mixing:
    """Makes the layers that mix pixels; ``graph`` is what such a layer needs to know of its input beside the input."""

    def layer(self, n_in: int, n_out: int) -> nn.Module:
        """Return a layer called as layer(x, graph), (batch, n_in, h, w) to (batch, n_out, h, w)."""
        return TwoScaleConv(n_in, n_out)

    def graph(self, x: torch.Tensor) -> torch.Tensor | None:
        """Return what the layers get as ``graph`` for an input x of the first of them."""
        return None


class TwoScaleConv(nn.Module):
    """Mean of a 3x3 and a 5x5 convolution, computed as the one 5x5 convolution that it is."""

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, padding=1)
        self.conv2 = nn.Conv2d(n_in, n_out, 5, padding=2)

    def forward(self, x: torch.Tensor, graph: None = None) -> torch.Tensor:
        """(batch, n_in, h, w) to (batch, n_out, h, w)."""
        weight = (self.conv2.weight + nn.functional.pad(self.conv1.weight, (1, 1, 1, 1))) / 2
        return nn.functional.conv2d(x, weight, (self.conv1.bias + self.conv2.bias) / 2, padding=2)


class PreProcessBlock(nn.Module):
    """Three convolutions of one kernel size, then a mixing layer."""

    def __init__(self, kernel: int, width: int, mixing: Mixing):
        super().__init__()
        self._graph = mixing.graph
        layers: list[nn.Module] = []
        for n_in in (1, width, width):
            layers += [nn.Conv2d(n_in, width, kernel, padding=kernel // 2), nn.LeakyReLU(_SLOPE)]
        self.convs = nn.Sequential(*layers)
        self.bn = nn.BatchNorm2d(width)
        self.gc = mixing.layer(width, width)
        self.act = nn.LeakyReLU(_SLOPE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, 1, h, w) to (batch, width, h, w)."""
        y = self.convs(x)
        return self.act(self.gc(y, self._graph(y)))


class RegionBranch(nn.Module):
    """Probability of signal by pixel."""

    def __init__(self, width: int, mixing: Mixing):
        super().__init__()
        self._graph = mixing.graph
        self.pre_process_block = PreProcessBlock(7, width, mixing)
        self.gcs = nn.ModuleList(mixing.layer(width, width) for _ in range(8))
        self.gc_final = mixing.layer(width, 1)
        self.act = nn.LeakyReLU(_SLOPE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, 1, h, w) to (batch, 1, h, w) in (0, 1)."""
        return torch.sigmoid(self.logits(x))

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """The same before the sigmoid."""
        y = self.pre_process_block(x)
        for number, gc in enumerate(self.gcs):
            if number % 3 == 0:  # the last layer uses the graph of number 6
                graph = self._graph(y)
            y = self.act(gc(y, graph))
        return self.gc_final(y, graph)


class HighPassBlock(nn.Module):
    """A convolution and three mixing layers."""

    def __init__(self, channels: int, mixing: Mixing):
        super().__init__()
        self._graph = mixing.graph
        self.conv = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.LeakyReLU(_SLOPE)
        )
        self.gcs = nn.ModuleList(mixing.layer(channels, channels) for _ in range(3))
        self.act = nn.LeakyReLU(_SLOPE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, c, h, w) to the same."""
        y = self.conv(x)
        graph = self._graph(y)
        for gc in self.gcs:
            y = self.act(gc(y, graph))
        return y


class LowPassBlock(nn.Module):
    """A 5x5 convolution and three normalised mixing layers, around a shortcut."""

    def __init__(self, channels: int, mixing: Mixing):
        super().__init__()
        self._graph = mixing.graph
        self.conv = nn.Sequential(
            nn.Conv2d(channels, channels, 5, padding=2), nn.BatchNorm2d(channels), nn.LeakyReLU(_SLOPE)
        )
        self.gcs = nn.ModuleList(mixing.layer(channels, channels) for _ in range(3))
        self.bns = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(3))
        self.act = nn.LeakyReLU(_SLOPE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, c, h, w) to the same."""
        y = self.conv(x)
        graph = self._graph(y)
        for gc, bn in zip(self.gcs, self.bns, strict=True):
            y = self.act(bn(gc(y, graph)))
        return x + y


class PostProcessBlock(nn.Module):
    """From all feature channels to one gain by pixel."""

    def __init__(self, channels: int, width: int, mixing: Mixing):
        super().__init__()
        self._graph = mixing.graph
        sizes = (channels, 2 * width, width, 1)
        self.gcs = nn.ModuleList(mixing.layer(a, b) for a, b in pairwise(sizes))
        self.bns = nn.ModuleList(nn.BatchNorm2d(n) for n in sizes[1:-1])
        self.act = nn.LeakyReLU(_SLOPE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, c, h, w) to (batch, 1, h, w)."""
        for gc, bn in zip(self.gcs[:-1], self.bns, strict=True):
            x = self.act(bn(gc(x, self._graph(x))))
        return self.gcs[-1](x, self._graph(x))


class Cnn(nn.Module):
    """DUNEdn's CNN: a branch for regions, and a denoiser whose output is a signed gain times the input.

    Where ``regions`` are its output it uses and trains that branch alone, as DUNEdn does.
    """

    multiple = (1, 1)
    memory_format = torch.channels_last
    # Convolutions reach 3 * 4 (9x9), 2 (gc), 2 + 6 (high pass), 4 * (2 + 6) and 6 pixels.
    reach = (60, 60)

    def __init__(self, settings: CnnSettings, outputs: dict[str, int], mixing: Mixing | None = None):
        super().__init__()
        mixing = mixing or Mixing()
        self._only_regions = "regions" in outputs
        width = settings.width
        channels = 3 * width + 1
        self.bytes_per_pixel = {"float32": 13 * 4 * channels, "bfloat16": 3 * 4 * channels}
        self.roi = RegionBranch(width, mixing)  # the name in DUNEdn's state dicts
        self.pre_process_blocks = nn.ModuleList(PreProcessBlock(kernel, width, mixing) for kernel in (5, 7, 9))
        self.lpfs = nn.ModuleList(LowPassBlock(channels, mixing) for _ in range(4))
        self.hpf = HighPassBlock(channels, mixing)
        self.post_process_block = PostProcessBlock(channels, width, mixing)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (batch, 1 or more, h, w) ADC, of which the first channel counts, to denoised ADC or the logit of regions,
        (batch, 1, h, w)."""
        x = x[:, :1].contiguous(memory_format=self.memory_format)
        if self._only_regions:
            return self.roi.logits(x).float()
        y = torch.cat([*(block(x) for block in self.pre_process_blocks), self.roi(x)], dim=1)
        high = self.hpf(y)
        y = y + high
        for low in self.lpfs:
            y = low(y) + high
        return (self.post_process_block(y) * x).float()


SPEC = NetworkSpec(
    build=Cnn,
    settings=CnnSettings,
    features="waveform",
    serves={"denoise": ("denoised",), "regions": ("regions",)},
    window=None,
    rounding_decides=False,
)
