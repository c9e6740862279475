"""How ranks talk: Horovod or torch.distributed when a launcher started several processes, else nothing at all.

The only module that knows either.  Everything else sees rank, size and three collectives.
"""

from __future__ import annotations

import logging
import os

import torch
import torch.distributed as dist

from protodune.errors import ProtoduneError

log = logging.getLogger(__name__)

BACKENDS = ("auto", "horovod", "torch", "none")
# Horovod's background thread polls once a cycle; its default of 1 ms takes a third of a fully used CPU core.
_CPU_CYCLE_MS = "5"
_TORCHRUN = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


class SingleProcess:
    """One rank: the collectives have nothing to do."""

    rank, size, local_rank, local_size, name = 0, 1, 0, 1, "single process"

    def average(self, tensors: list[torch.Tensor]) -> None:
        """Leave the tensors as they are."""

    def total(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the tensor."""
        return tensor

    def broadcast(self, tensors: list[torch.Tensor]) -> None:
        """Leave the tensors as they are."""

    def close(self) -> None:
        """Nothing to end."""


class HorovodRanks:
    """Ranks under Horovod; collectives on lists of tensors are one fused operation."""

    name = "horovod"

    def __init__(self):
        try:
            import horovod.torch as hvd
        except ImportError as error:
            raise ProtoduneError(
                f"backend horovod: cannot be imported ({error}); build it with 'make setup' or set backend: none"
            ) from None
        if not torch.cuda.is_available():
            os.environ.setdefault("HOROVOD_CYCLE_TIME", _CPU_CYCLE_MS)
        hvd.init()
        self._hvd = hvd
        self.rank, self.size = hvd.rank(), hvd.size()
        self.local_rank, self.local_size = hvd.local_rank(), hvd.local_size()

    def average(self, tensors: list[torch.Tensor]) -> None:
        """Replace every tensor by its mean over the ranks."""
        self._reduce(tensors, self._hvd.Average)

    def total(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the sum of a tensor over the ranks."""
        return self._hvd.allreduce(tensor, op=self._hvd.Sum)

    def _reduce(self, tensors: list[torch.Tensor], op) -> None:
        # One flat buffer: one negotiation a step instead of one a parameter.
        flat = torch.cat([t.reshape(-1) for t in tensors])
        scatter_flat(self._hvd.allreduce(flat, op=op), tensors)

    def broadcast(self, tensors: list[torch.Tensor]) -> None:
        """Replace every tensor by rank 0's."""
        for tensor in tensors:
            self._hvd.broadcast_(tensor, root_rank=0)

    def close(self) -> None:
        """End Horovod's background thread."""
        self._hvd.shutdown()


class TorchRanks:
    """Ranks under torch.distributed, as torchrun starts them: Gloo between CPUs, NCCL between GPUs."""

    name = "torch.distributed"

    def __init__(self):
        missing = [name for name in _TORCHRUN if name not in os.environ]
        if missing:
            raise ProtoduneError(
                f"backend torch: {', '.join(missing)} not set; start the ranks with torchrun, or set backend: none"
            )
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self.local_rank, self.local_size = (
            int(os.environ.get(k, d)) for k, d in (("LOCAL_RANK", 0), ("LOCAL_WORLD_SIZE", 1))
        )

    def average(self, tensors: list[torch.Tensor]) -> None:
        """Replace every tensor by its mean over the ranks."""
        flat = torch.cat([t.reshape(-1) for t in tensors])
        dist.all_reduce(flat)
        scatter_flat(flat / self.size, tensors)

    def total(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the sum of a tensor over the ranks."""
        tensor = tensor.clone()
        dist.all_reduce(tensor)
        return tensor

    def broadcast(self, tensors: list[torch.Tensor]) -> None:
        """Replace every tensor by rank 0's."""
        for tensor in tensors:
            dist.broadcast(tensor, src=0)

    def close(self) -> None:
        """Leave the group."""
        dist.destroy_process_group()


def scatter_flat(flat: torch.Tensor, tensors: list[torch.Tensor]) -> None:
    """Copy a flat tensor back into those that it was made of."""
    for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


Ranks = SingleProcess | HorovodRanks | TorchRanks


def connect(backend: str = "auto") -> Ranks:
    """Join the other ranks.  ``auto``: as the launcher says that started this process, Horovod's or torchrun, else alone."""
    if backend not in BACKENDS:
        raise ProtoduneError(f"backend: found '{backend}', expected one of {', '.join(BACKENDS)}")
    if backend == "horovod" or (backend == "auto" and "HOROVOD_RANK" in os.environ):
        return HorovodRanks()
    if backend == "torch" or (backend == "auto" and "TORCHELASTIC_RUN_ID" in os.environ):
        return TorchRanks()
    return SingleProcess()
