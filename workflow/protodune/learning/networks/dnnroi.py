"""Region selector on deconvolved charge and what the other planes say (DNNROI: arXiv:2007.12743, 2510.24786).

U-Net of Ronneberger et al. (2015) with padding, bilinear upsampling and BatchNorm, as Wire-Cell uses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

from protodune.learning.network import NetworkSpec

INPUT_SCALE = 32.0
"""Features come in units of 125 electrons per tick; the network wants 4000 electrons to be 1."""
N_FEATURES = 3


@dataclass(frozen=True)
class DnnRoiSettings:
    """``width`` of the first level; 64 is Wire-Cell's network with 13,395,329 parameters."""

    width: int = 64


def _double(n_in: int, n_out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for first in (n_in, n_out):
        layers += [nn.Conv2d(first, n_out, 3, padding=1), nn.BatchNorm2d(n_out), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class DnnRoi(nn.Module):
    """Logit of the probability that ten ticks of a channel hold signal, from the loose deconvolved charge and two images of
    crossings (MP2, MP3); induction planes only."""

    multiple = (16, 16)
    # Two 3x3 convolutions per level on the way down and up, one pixel of each interpolation on the way up.
    reach = (2 * 2 * 15 + 2 * 16 + 2 + 4 + 8 + 16, 2 * 2 * 15 + 2 * 16 + 2 + 4 + 8 + 16)

    def __init__(self, settings: DnnRoiSettings, outputs: dict[str, int]):
        super().__init__()
        w = settings.width
        self.bytes_per_pixel = {"float32": 40 * w, "bfloat16": 20 * w}
        widths = (w, 2 * w, 4 * w, 8 * w, 8 * w)
        self.inc = _double(N_FEATURES, w)
        self.downs = nn.ModuleList(_double(a, b) for a, b in pairwise(widths))
        self.ups = nn.ModuleList([_double(16 * w, 4 * w), _double(8 * w, 2 * w), _double(4 * w, w), _double(2 * w, w)])
        self.out = nn.Conv2d(w, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (batch, 3, channels, slices of ten ticks) in units of 125 electrons per tick to logits (batch, 1, channels,
        slices); sizes in multiples of 16."""
        y = self.inc((x / INPUT_SCALE).contiguous(memory_format=torch.channels_last))
        skips = [y]
        for down in self.downs:
            y = down(nn.functional.max_pool2d(y, 2))
            skips.append(y)
        for up, skip in zip(self.ups, skips[-2::-1], strict=True):
            y = nn.functional.interpolate(y, scale_factor=2, mode="bilinear", align_corners=False)
            y = up(torch.cat([skip, y], dim=1))
        return self.out(y).float()


SPEC = NetworkSpec(
    build=DnnRoi,
    settings=DnnRoiSettings,
    features="dnnroi",
    serves={"regions": ("regions",)},
    window=None,
    rounding_decides=False,
)
