"""DUNEdn's graph network (Rossi and Vallecorsa 2022): its CNN with a graph in place of the 5x5 convolutions.

Every pixel of a crop looks at the ``neighbours`` pixels whose features are nearest to its own, wherever they are.  Module
names and parameter count are DUNEdn's, so that its state dicts fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from protodune.core.errors import ProtoduneError
from protodune.learning.exporting import is_exporting
from protodune.learning.network import NetworkSpec
from protodune.learning.networks.cnn import Cnn, CnnSettings, Mixing

CROP = 32
"""Channels and ticks of the crops that DUNEdn's graphs span."""


@dataclass(frozen=True)
class GcnnSettings:
    """``width``: hidden channels; 32 is the published network with 3,239,500 parameters.  ``neighbours`` of a pixel in the
    graph.  ``mask``: which pixels a graph leaves out: ``local``, the pixel and the eight around it, which the convolution
    sees anyway; ``dunedn``, what DUNEdn v2.0.0 does instead (see ``nearest``)."""

    width: int = 32
    neighbours: int = 8
    mask: str = "local"

    def __post_init__(self):
        if self.mask not in ("local", "dunedn"):
            raise ProtoduneError(f"network_settings of gcnn: mask: found '{self.mask}', expected local or dunedn")


def around(height: int, width: int, device: torch.device | None = None) -> torch.Tensor:
    """Return for each pixel which pixels are it and the eight around it, bool (h * w, h * w)."""
    row = torch.arange(height, device=device).repeat_interleave(width)
    column = torch.arange(width, device=device).repeat(height)
    return ((row[:, None] - row).abs() <= 1) & ((column[:, None] - column).abs() <= 1)


def nearest(x: torch.Tensor, neighbours: int, mask: str) -> torch.Tensor:
    """Return the pixels with the nearest features, int64 (batch, h * w, neighbours), of x (batch, features, h, w).

    Mask ``local`` leaves out the pixel itself and the eight around it.  DUNEdn meant to leave out the eight, but gives them
    the score -1 among scores of -distance^2: they are preferred where features differ by more than 1, and every pixel is
    its own first neighbour.
    """
    height, width = x.shape[2:]
    if height * width <= neighbours + 9:
        raise ProtoduneError(
            f"GCNN: an image of {height}x{width} has no {neighbours} neighbours for each pixel, expected 8x8 or more"
        )
    # Distances need all digits: half precision would draw lots among near neighbours.
    flat = x.detach().float().flatten(2).transpose(1, 2)
    square = flat.square().sum(2, keepdim=True)
    near = around(height, width, x.device)
    with torch.autocast(x.device.type, enabled=False):
        if mask == "local":
            # 2 x.y - y^2 orders a row as -|x - y|^2 does.
            score = torch.baddbmm(-square.transpose(1, 2), flat, flat.transpose(1, 2), alpha=2)
            score.masked_fill_(near, -torch.inf)
        else:
            # The order of DUNEdn's operations: rounding decides between nearly equal distances.
            score = -(square - 2 * torch.matmul(flat, flat.transpose(1, 2)) + square.transpose(1, 2))
            itself = torch.eye(height * width, dtype=torch.bool, device=x.device)
            score = score.masked_fill(near & ~itself, -1.0)
    return score.topk(neighbours, dim=-1, sorted=mask != "local").indices


class GraphMixing(Mixing):
    """A 3x3 convolution and a graph; the graph is known by the mean difference of a pixel and its neighbours."""

    def __init__(self, settings: GcnnSettings):
        from torch_geometric.nn import SimpleConv  # two seconds to import, which no other network should wait for

        self._settings = settings
        self._mean = SimpleConv(aggr="mean")

    def layer(self, n_in: int, n_out: int) -> nn.Module:
        """Return the layer, see ``GraphConv``."""
        return GraphConv(n_in, n_out)

    def graph(self, x: torch.Tensor) -> torch.Tensor:
        """Return x_p - x_q without gradient: the mean over the neighbours q of p, (batch, h * w, features); with DUNEdn's
        mask each of them, (batch, h * w, neighbours, features), see ``NonLocalAggregation``."""
        chosen = nearest(x, self._settings.neighbours, self._settings.mask)
        batch, pixels, neighbours = chosen.shape
        flat = x.detach().flatten(2).transpose(1, 2).reshape(batch * pixels, -1)
        source = (chosen + torch.arange(batch, device=x.device)[:, None, None] * pixels).reshape(-1)
        if self._settings.mask == "dunedn":
            return (flat[:, None] - flat[source].reshape(batch * pixels, neighbours, -1)).unflatten(0, (batch, pixels))
        if is_exporting():
            return (flat - flat[source].unflatten(0, (batch * pixels, neighbours)).mean(1)).unflatten(0, (batch, pixels))
        target = torch.arange(batch * pixels, device=x.device).repeat_interleave(neighbours)
        return (flat - self._mean(flat, torch.stack([source, target]))).unflatten(0, (batch, pixels))


class NonLocalAggregation(nn.Module):
    """W_self x_p + mean over the neighbours q of W_diff (x_p - x_q).

    The mean of the products is the product of the mean, an eighth of the work; only to reproduce DUNEdn's outputs, where
    rounding decides between neighbours in later layers, the products come first.
    """

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.diff_fc = nn.Linear(n_in, n_out)
        self.w_self = nn.Linear(n_in, n_out)

    def forward(self, x: torch.Tensor, graph: torch.Tensor) -> torch.Tensor:
        """(batch, n_in, h, w) and the differences, see ``GraphMixing.graph``, to (batch, n_out, h, w)."""
        from_others = self.diff_fc(graph)
        if from_others.ndim == 4:
            from_others = from_others.mean(2)
        y = from_others + self.w_self(x.flatten(2).transpose(1, 2))
        return y.transpose(1, 2).unflatten(2, x.shape[2:])


class GraphConv(nn.Module):
    """Mean of a 3x3 convolution and of the aggregation over the graph."""

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, padding=1)
        self.nla = NonLocalAggregation(n_in, n_out)

    def forward(self, x: torch.Tensor, graph: torch.Tensor) -> torch.Tensor:
        """(batch, n_in, h, w) to (batch, n_out, h, w)."""
        return (self.conv1(x) + self.nla(x, graph)) / 2


class Gcnn(Cnn):
    """DUNEdn's GCNN, for the same tasks as its CNN; crops of any size, but a graph spans the whole of what it is given.

    Layers that share a graph share the differences of the features it was built on, as in DUNEdn.
    """

    def __init__(self, settings: GcnnSettings, outputs: dict[str, int]):
        super().__init__(CnnSettings(settings.width), outputs, GraphMixing(settings))
        distances = 3 * 4 * CROP**2
        self.bytes_per_pixel = {k: v + distances for k, v in self.bytes_per_pixel.items()}
        if settings.mask == "dunedn":
            self.memory_format = torch.contiguous_format


SPEC = NetworkSpec(
    build=Gcnn,
    settings=GcnnSettings,
    features="waveform",
    serves={"denoise": ("denoised",), "regions": ("regions",)},
    window=(32, 32),
    overlap=(0, 0),  # as DUNEdn's crops; 8 pixels would cost 1.8 times the time
    rounding_decides=True,  # between nearly equal neighbours
)
