"""DUNEdn's graph network (Rossi and Vallecorsa 2022): the CNN with its 5x5 convolutions replaced by sums over a graph.

Every pixel of a crop is joined to the eight pixels whose features are nearest.  Module names and parameter count as there.
DUNEdn means to leave the eight spatial neighbours to the convolution, but its mask scores them -1 where others score minus
their squared distance, so that beyond distance 1 they are preferred instead, and each pixel is its own first neighbour.  Here
they and the pixel itself are left out; ``dunedn_mask`` brings the original back.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import nn
from torch_geometric.nn import SimpleConv

from protodune.models.cnn import Cnn

NEIGHBOURS = 8


@dataclass(frozen=True)
class GcnnSettings:
    """``width``: hidden channels; 32 is the published network with 3,239,500 parameters.  ``dunedn_mask``: DUNEdn's own choice
    of neighbours."""

    width: int = 32
    dunedn_mask: bool = False


@lru_cache(maxsize=8)
def _adjacent(height: int, width: int) -> torch.Tensor:
    """Return which pairs of pixels touch, bool (h w, h w), a pixel and itself not included."""
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    row, column = row.flatten(), column.flatten()
    near = ((row[:, None] - row).abs() <= 1) & ((column[:, None] - column).abs() <= 1)
    return near & ~torch.eye(height * width, dtype=torch.bool)


@torch.no_grad()
def nearest(x: torch.Tensor, dunedn_mask: bool) -> torch.Tensor:
    """Return the graph of (batch, c, h, w) features: edges (2, batch h w 8), from neighbours to pixels, int64."""
    batch, _, height, width = x.shape
    features = x.flatten(2).transpose(1, 2).float()
    square = (features**2).sum(dim=2)
    score = 2 * features @ features.transpose(1, 2) - square[:, :, None] - square[:, None, :]
    adjacent = _adjacent(height, width).to(x.device)
    if dunedn_mask:
        score.masked_fill_(adjacent, -1.0)
    else:
        score.masked_fill_(adjacent | torch.eye(height * width, dtype=torch.bool, device=x.device), -torch.inf)
    found = score.topk(NEIGHBOURS, dim=2).indices
    found = found + torch.arange(batch, device=x.device)[:, None, None] * height * width
    target = torch.arange(batch * height * width, device=x.device).repeat_interleave(NEIGHBOURS)
    return torch.stack([found.flatten(), target])


class NonLocalAggregation(nn.Module):
    """W_self x_p + mean over the neighbours q of W_diff (x_p - x_q)."""

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.diff_fc = nn.Linear(n_in, n_out)
        self.w_self = nn.Linear(n_in, n_out)
        self.mean = SimpleConv(aggr="mean")

    def forward(self, x: torch.Tensor, graph: torch.Tensor) -> torch.Tensor:
        """(batch, n_in, h, w) to (batch, n_out, h, w)."""
        batch, channels, height, width = x.shape
        nodes = x.permute(0, 2, 3, 1).reshape(-1, channels)
        # W is linear, so the mean of the differences is the difference to the mean.
        y = self.w_self(nodes) + self.diff_fc(nodes - self.mean(nodes, graph))
        return y.reshape(batch, height, width, -1).permute(0, 3, 1, 2)


class GraphConv(nn.Module):
    """Mean of a 3x3 convolution and a sum over the graph."""

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, padding=1)
        self.nla = NonLocalAggregation(n_in, n_out)

    def forward(self, x: torch.Tensor, graph: torch.Tensor) -> torch.Tensor:
        """(batch, n_in, h, w) to (batch, n_out, h, w)."""
        return (self.conv1(x) + self.nla(x, graph)) / 2


class Gcnn(Cnn):
    """DUNEdn's GCNN: a ROI branch, and a denoiser whose output is a signed gain times the input; on whole crops only, since
    the graph joins pixels of one crop."""

    crop = (32, 32)
    convolution = GraphConv

    def __init__(self, settings: GcnnSettings, task: str = "denoise"):
        self.dunedn_mask = settings.dunedn_mask
        super().__init__(settings, task)

    def graph(self, x: torch.Tensor) -> torch.Tensor:
        """Return the graph of features (batch, c, h, w)."""
        return nearest(x, self.dunedn_mask)
