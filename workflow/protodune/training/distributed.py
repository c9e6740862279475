"""How ranks talk: Horovod when a launcher started several processes, else nothing at all.

The only module that knows horovod.  Everything else sees rank, size and two collectives.
"""

from __future__ import annotations

import logging
import os

import torch

from protodune.errors import ProtoduneError

log = logging.getLogger(__name__)

BACKENDS = ("auto", "horovod", "none")
# Horovod's background thread polls once a cycle; its default of 1 ms takes a third of a fully used CPU core.
_CPU_CYCLE_MS = "5"


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
        flat = self._hvd.allreduce(flat, op=op)
        for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def broadcast(self, tensors: list[torch.Tensor]) -> None:
        """Replace every tensor by rank 0's."""
        for tensor in tensors:
            self._hvd.broadcast_(tensor, root_rank=0)

    def close(self) -> None:
        """End Horovod's background thread."""
        self._hvd.shutdown()


Ranks = SingleProcess | HorovodRanks


def connect(backend: str = "auto") -> Ranks:
    """Join the other ranks.  ``auto``: Horovod if a Horovod launcher started this process, else a single process."""
    if backend not in BACKENDS:
        raise ProtoduneError(f"backend: found '{backend}', expected one of {', '.join(BACKENDS)}")
    if backend == "horovod" or (backend == "auto" and "HOROVOD_RANK" in os.environ):
        return HorovodRanks()
    return SingleProcess()
