"""A small network for any task, in the tests only: three convolutions on what an earlier step denoised."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from protodune.learning.network import NetworkSpec

SCALE_ADC = 20.0
N_FEATURES = 2


@dataclass(frozen=True)
class PixelNetSettings:
    """``width``: hidden channels."""

    width: int = 8


class PixelNet(nn.Module):
    """Three 5x5 convolutions with BatchNorm between them."""

    multiple = (1, 1)
    reach = (6, 6)

    def __init__(self, settings: PixelNetSettings, outputs: dict[str, int]):
        super().__init__()
        self.bytes_per_pixel = {"float32": 12 * settings.width, "bfloat16": 6 * settings.width}
        layers: list[nn.Module] = []
        for n_in in (N_FEATURES, settings.width):
            layers += [nn.Conv2d(n_in, settings.width, 5, padding=2), nn.BatchNorm2d(settings.width), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(settings.width, sum(outputs.values()), 5, padding=2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (batch, 2, channels, ticks) to the channels of all outputs, (batch, k, channels, ticks)."""
        return self.layers(x / SCALE_ADC).float()


SPEC = NetworkSpec(
    build=PixelNet,
    settings=PixelNetSettings,
    features="cleaned",
    serves={"*": ()},
    window=None,
    rounding_decides=False,
)
