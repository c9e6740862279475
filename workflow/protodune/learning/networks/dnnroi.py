"""Region selector on deconvolved charge and what the other planes say (DNNROI: arXiv:2007.12743, 2510.24786).

U-Net of Ronneberger et al. (2015) with padding, bilinear upsampling and BatchNorm, as Wire-Cell uses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

from protodune.learning.network import NetworkSpec

ELECTRONS_PER_UNIT = 125.0
INPUT_SCALE = 32.0
"""Features come in units of 125 electrons per tick; the network wants 4000 electrons to be 1."""
CHARGE_UNIT = 1000.0
"""The charge that the network adds is in units of 1000 electrons per tick, so that its outputs are of order one."""
MOST_GAIN = 3.0
"""The wire filter leaves half of the charge of a single wire to it."""
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
    """Logit of the probability that ten ticks of a channel hold signal, and where it is asked for their charge, from the
    loose deconvolved charge and two images of crossings (MP2, MP3); induction planes only.

    Charge is the deconvolved charge times a gain from 0 to 3, and what the network adds to it.
    """

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
        self.with_charge = "charge" in outputs
        self.out = nn.Conv2d(w, 3 if self.with_charge else 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (batch, 3, channels, slices of ten ticks) in units of 125 electrons per tick to logits (batch, 1, channels,
        slices), behind charge in electrons per tick where that is an output; sizes in multiples of 16."""
        y = self.inc((x / INPUT_SCALE).contiguous(memory_format=torch.channels_last))
        skips = [y]
        for down in self.downs:
            y = down(nn.functional.max_pool2d(y, 2))
            skips.append(y)
        for up, skip in zip(self.ups, skips[-2::-1], strict=True):
            y = nn.functional.interpolate(y, scale_factor=2, mode="bilinear", align_corners=False)
            y = up(torch.cat([skip, y], dim=1))
        y = self.out(y).float()
        if not self.with_charge:
            return y
        gain, more, logit = y.split(1, dim=1)
        charge = MOST_GAIN * torch.sigmoid(gain) * ELECTRONS_PER_UNIT * x[:, :1] + CHARGE_UNIT * more
        return torch.cat([charge, logit], dim=1)


SPEC = NetworkSpec(
    build=DnnRoi,
    settings=DnnRoiSettings,
    features="dnnroi",
    serves={"regions": ("regions",), "charge": ("charge", "regions")},
    window=None,
    rounding_decides=False,
)
