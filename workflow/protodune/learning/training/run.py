"""What the jobs of one training share: network, settings, ranks, device, losses and clock."""

from __future__ import annotations

import contextlib
import logging

import numpy as np
import torch

from protodune.learning.network import Network
from protodune.learning.training.distributed import Ranks
from protodune.learning.training.losses import output_losses
from protodune.learning.training.records import Stopwatch
from protodune.learning.training.settings import TrainingSettings
from protodune.learning.training.watchdog import Watchdog

log = logging.getLogger(__name__)


def micro_batches(indices: np.ndarray, micro_batch: int, rank: int, size: int) -> list[np.ndarray]:
    """Return the micro-batches of one rank: ``indices`` are cut into micro-batches, and the ranks take them in turn."""
    return [indices[i : i + micro_batch] for i in range(0, len(indices), micro_batch)][rank::size]


class Run:
    """One training on this rank; rank 0 alone speaks.  The network is moved to the device."""

    def __init__(self, network: Network, settings: TrainingSettings, ranks: Ranks, watchdog: Watchdog | None = None):
        self.network, self.module, self.settings, self.opt = network, network.module, settings, settings.optimiser
        self.ranks = ranks
        self.watchdog = watchdog or Watchdog(0, ranks.rank)
        self.losses = output_losses(network, self.opt)
        self.stopwatch = Stopwatch()
        self.device = _device(ranks)
        self.module.to(self.device)
        self._scales = torch.tensor([each.reported.scale for each in self.losses])

    def autocast(self) -> contextlib.AbstractContextManager:
        """Compute inside in the precision of the settings."""
        if self.opt.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, getattr(torch, self.opt.precision))

    def mine(self, indices: np.ndarray) -> list[np.ndarray]:
        """Return this rank's micro-batches of the given patches."""
        return micro_batches(indices, self.opt.micro_batch, self.ranks.rank, self.ranks.size)

    def training_loss(self, images: torch.Tensor, labels: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the weighted sum of the outputs' losses for what the network gave, a scalar, and the part that a network
        with a graph of its own brings along."""
        found = self.network.split(images)
        parts = [(each.weight, each.loss.function(found[each.output], labels[each.output])) for each in self.losses]
        return sum(weight * part for weight, part in parts if weight) + getattr(self.module, "graph_loss", 0.0)

    def reported(self, images: torch.Tensor, labels: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the loss that is reported of each output, float64 (outputs,), on the CPU."""
        found = self.network.split(images)
        shown = [each.reported.function(found[each.output], labels[each.output]) for each in self.losses]
        return torch.stack(shown).double().cpu() * self._scales

    def nothing(self) -> torch.Tensor:
        """Return sums of reported losses over no patches, float64 (outputs,)."""
        return torch.zeros(len(self.losses), dtype=torch.float64)

    def total_reported(self, reported: torch.Tensor) -> float:
        """Return the number by which epochs are compared: the weighted sum of the reported losses."""
        weights = [each.weight_of_reported for each in self.losses]
        return sum(float(w * v) for w, v in zip(weights, reported, strict=True) if w)

    def by_output(self, reported: torch.Tensor) -> dict[str, float]:
        """Return reported losses by output."""
        return {each.output: float(value) for each, value in zip(self.losses, reported, strict=True)}

    def agree(self, rank_0_wants: bool) -> bool:
        """Return what rank 0 wants, on all ranks."""
        return bool(self.ranks.total(torch.tensor(float(rank_0_wants and self.ranks.rank == 0))))

    def say(self, message: str, *values: object) -> None:
        """Log, on rank 0 alone."""
        if self.ranks.rank == 0:
            log.info(message, *values)


def _device(ranks: Ranks) -> torch.device:
    """Return the GPU of this rank's place on its node, or the CPU; a rank that sees one GPU only takes that."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", ranks.local_rank % torch.cuda.device_count())
    torch.cuda.set_device(device)  # NCCL takes the current one
    return device
