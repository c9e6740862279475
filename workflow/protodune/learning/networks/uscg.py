"""DUNEdn's USCG-Net (Rossi and Vallecorsa 2022): a ResNeXt-50 encoder, a self-constructing graph, a gain by pixel.

Module names and parameter count are DUNEdn's, so that its state dicts fit; ResNeXt-50 (32x4d; Xie et al. 2017) is written
out, since torchvision has no build for every torch.  The encoder starts from random weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from protodune.learning.exporting import adaptive_max_pool
from protodune.learning.network import NetworkSpec

NODES = 28
"""The graph has 28 x 28 nodes, whatever the size of the image."""
_EXPANSION, _GROUPS = 2, 32


@dataclass(frozen=True)
class UscgSettings:
    """``dunedn``: keep the three defects of DUNEdn v2.0.0, which its weights were trained with: nodes and channels of the
    graph are mixed up by a reshape, maps grow by adaptive max pooling instead of interpolation, and the graph's diagonal is
    weighted without bound when it is empty."""

    dunedn: bool = False


class Bottleneck(nn.Module):
    """ResNeXt block: 1x1, grouped 3x3 and 1x1 convolutions around a shortcut."""

    def __init__(self, n_in: int, width: int, stride: int):
        super().__init__()
        n_out = _EXPANSION * width
        self.conv1 = nn.Conv2d(n_in, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, groups=_GROUPS, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, n_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(n_out)
        self.downsample = None
        if stride > 1 or n_in != n_out:
            self.downsample = nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride=stride, bias=False), nn.BatchNorm2d(n_out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, n_in, h, w) to (batch, 2 width, h / stride, w / stride)."""
        y = torch.relu_(self.bn1(self.conv1(x)))
        y = torch.relu_(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return torch.relu_(y.add_(x if self.downsample is None else self.downsample(x)))


def _stage(n_in: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    rest = [Bottleneck(_EXPANSION * width, width, 1) for _ in range(blocks - 1)]
    return nn.Sequential(Bottleneck(n_in, width, stride), *rest)


class Pooling(nn.Module):
    """Resize, 3x3 convolution, BatchNorm, ReLU unless ``signed``; the size is that of the call."""

    def __init__(self, channels: int, by_max: bool, signed: bool = False):
        super().__init__()
        self._by_max = by_max
        # Place 0 is where DUNEdn has its resizing.
        self.pooling = nn.Sequential(
            nn.Identity(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.Identity() if signed else nn.ReLU(),
        )

    def forward(self, x: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """(batch, c, h, w) to (batch, c, *size)."""
        if self._by_max:
            x = adaptive_max_pool(x, size)
        else:
            x = nn.functional.interpolate(x, size, mode="bilinear", align_corners=False)
        return self.pooling(x)


class Recombination(nn.Module):
    """One map from two."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 1)

    def forward(self, x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """Two of (batch, 1, h, w) to one."""
        return self.conv(torch.cat([x, other], dim=1))


class SelfConstructingGraph(nn.Module):
    """The adjacency of the nodes, learnt from their features (Liu et al. 2020)."""

    def __init__(self, channels: int, dunedn: bool):
        super().__init__()
        self._dunedn = dunedn
        self.mu = nn.Sequential(nn.Conv2d(channels, 1, 3, padding=1), nn.Dropout(0.2))
        self.logvar = nn.Sequential(nn.Conv2d(channels, 1, 1), nn.Dropout(0.2))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """From (batch, c, 28, 28): normalised adjacency (batch, 784, 784), the residual (batch, 784, 1) of the prediction,
        and the graph's own loss, a scalar, for training: divergence from a normal distribution minus the log diagonal."""
        mu, logvar = (f(x).flatten(1).float()[..., None] for f in (self.mu, self.logvar))
        z = mu + torch.exp(logvar) * torch.randn_like(mu) if self.training else mu
        adjacency = torch.relu(z @ z.transpose(1, 2))
        diagonal = adjacency.diagonal(dim1=1, dim2=2)
        mean = diagonal.mean()
        nodes = diagonal.shape[1]
        gamma = torch.sqrt(1 + 1 / (mean if self._dunedn else mean.clamp_min(1e-6)))
        loss = torch.zeros((), device=x.device)
        if self.training:
            kl = -0.5 / nodes * (1 + 2 * logvar - mu**2 - torch.exp(2 * logvar)).sum(1).mean()
            below_one = torch.log(diagonal[diagonal < 1] + 1e-7).sum()
            loss = kl - gamma * below_one / (len(x) * nodes**2)
        adjacency = adjacency + torch.diag_embed(gamma * diagonal + 1)
        scale = adjacency.sum(2, keepdim=True).rsqrt()
        return scale * adjacency * scale.transpose(1, 2), gamma * mu * (1 - logvar), loss


class GraphLayer(nn.Module):
    """A linear layer on features that the graph has averaged."""

    def __init__(self, n_in: int, n_out: int, hidden: bool):
        super().__init__()
        rest = [nn.BatchNorm1d(n_out), nn.ReLU(), nn.Dropout(0.5)] if hidden else []
        self.fc = nn.Sequential(nn.Linear(n_in, n_out), *rest)

    def forward(self, x: torch.Tensor, adjacency: torch.Tensor) -> torch.Tensor:
        """(batch, nodes, n_in) and (batch, nodes, nodes) to (batch, nodes, n_out)."""
        y = adjacency @ x.float()
        return self.fc(y.flatten(0, 1)).unflatten(0, y.shape[:2])


class Uscg(nn.Module):
    """USCG-Net on windows of whole planes, 34,661,750 parameters; denoised = gain (at least 0) times the input, or where
    ``regions`` are its output the logit in place of the gain.

    The graph and the maps depend on the size of what it is given, hence its windows, which are DUNEdn's.  ``graph_loss`` is
    the graph's own loss of the last forward pass, part of the training.
    """

    multiple = (1, 1)
    reach = (0, 0)  # windows overlap instead

    def __init__(self, settings: UscgSettings, outputs: dict[str, int]):
        super().__init__()
        self._only_regions = "regions" in outputs
        self.bytes_per_pixel = {"float32": 1100, "bfloat16": 450}
        by_max = settings.dunedn
        self._mixed_up = settings.dunedn
        stem = [
            nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        ]
        self.downsamples = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(1, 3, 1), *stem, _stage(64, 128, 3, 1), _stage(256, 256, 4, 2)),
                nn.Sequential(_stage(512, 512, 6, 2), _stage(1024, 1024, 3, 2), nn.Conv2d(2048, 1024, 1)),
                Pooling(1024, by_max=True),
            ]
        )
        last = Pooling(1, by_max, signed=self._only_regions)
        self.upsamples = nn.ModuleList([Pooling(1, by_max), Pooling(1, by_max), last])
        self.gcns = nn.ModuleList([GraphLayer(1024, 128, hidden=True), GraphLayer(128, 1, hidden=False)])
        self.scg = SelfConstructingGraph(1024, settings.dunedn)
        self.adapts = nn.ModuleList(nn.Conv2d(channels, 1, 1, bias=False) for channels in (512, 1024, 1024))
        self.recombs = nn.ModuleList(Recombination() for _ in range(3))
        self.last_recomb = Recombination()  # DUNEdn has it and does not use it
        self.graph_loss = torch.zeros(())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (batch, 1 or more, h, w) ADC, of which the first channel counts, to denoised ADC or the logit of regions,
        (batch, 1, h, w); h and w of at least 32."""
        x = x[:, :1].contiguous(memory_format=torch.channels_last)
        fine = self.downsamples[0](x)
        coarse = self.downsamples[1](fine)
        nodes = self.downsamples[2](coarse, (NODES, NODES))
        adjacency, residual, self.graph_loss = self.scg(nodes)
        # DUNEdn reshapes (batch, c, 28, 28) to (batch, 784, c), which puts parts of one channel into one node.
        features = nodes.reshape(len(x), NODES**2, -1) if self._mixed_up else nodes.flatten(2).transpose(1, 2)
        for layer in self.gcns:
            features = layer(features, adjacency)
        y = (features + residual).transpose(1, 2).unflatten(2, (NODES, NODES))
        sizes = [tuple(int(n) for n in z.shape[2:]) for z in (coarse, fine, x)]  # whole numbers also while exporting
        for number, (skip, size) in enumerate(zip((nodes, coarse, fine), sizes, strict=True)):
            y = self.recombs[number](y, self.adapts[2 - number](skip))
            y = self.upsamples[number](y, size)
        return (y if self._only_regions else y * x).float()


SPEC = NetworkSpec(
    build=Uscg,
    settings=UscgSettings,
    features="waveform",
    serves={"denoise": ("denoised",), "regions": ("regions",)},
    window=(None, 2000),
    overlap=(0, 1000),
    rounding_decides=False,
)
