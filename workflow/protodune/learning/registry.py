"""Networks by name: every one maps (batch, n_features, channels, ticks) to the images that its ``outputs`` name.

``features`` names the set of ``data.features`` that it takes; most take (batch, 2, channels, ticks) in ADC.

Outputs, each one channel of the same size: ``denoised`` in ADC, ``roi`` as the logit of a probability.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from protodune.core.errors import ProtoduneError, suggest
from protodune.learning.networks.cnn import Cnn, CnnSettings
from protodune.learning.networks.dnnroi import DnnRoi, DnnRoiSettings
from protodune.learning.networks.gcnn import Gcnn, GcnnSettings
from protodune.learning.networks.unet import UNet, UNetSettings
from protodune.learning.networks.uscg import Uscg, UscgSettings
from protodune.core.settings import build


@dataclass(frozen=True)
class Architecture:
    """A network's class and the dataclass of its settings."""

    module: type[torch.nn.Module]
    settings: type


ARCHITECTURES = {
    "cnn": Architecture(Cnn, CnnSettings),
    "dnnroi": Architecture(DnnRoi, DnnRoiSettings),
    "gcnn": Architecture(Gcnn, GcnnSettings),
    "unet": Architecture(UNet, UNetSettings),
    "uscg": Architecture(Uscg, UscgSettings),
}


TASKS = ("denoise", "roi")


def build_model(architecture: str, settings: dict, task: str = "denoise") -> torch.nn.Module:
    """Build a network with fresh weights from its registry name, a mapping of its settings and what it is for."""
    if architecture not in ARCHITECTURES:
        known = list(ARCHITECTURES)
        raise ProtoduneError(
            f"architecture '{architecture}' is unknown{suggest(architecture, known)}; known: {', '.join(known)}"
        )
    entry = ARCHITECTURES[architecture]
    return entry.module(build(entry.settings, settings, f"model.{architecture}"), task)


def count_parameters(model: torch.nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
