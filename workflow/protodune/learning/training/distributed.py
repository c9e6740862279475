"""How ranks talk: Horovod or torch.distributed when a launcher started several processes, else nothing at all.

Everything else sees rank, size and four collectives.
"""

from __future__ import annotations

import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import torch
import torch.distributed as dist

from protodune.core.errors import ProtoduneError
from protodune.learning.backends import horovod_for_torch

log = logging.getLogger(__name__)

BACKENDS = ("auto", "horovod", "torch", "none")
# Horovod's background thread polls once per cycle; its default of 1 ms takes a third of a fully used CPU core.
# A longer one delays the sums: 5, 10, 20 and 40 ms gave two ranks an efficiency of 0.78, 0.82, 0.86 and 0.81 (before what
# now happens while they travel; with it 12 ms give 0.93).
_CPU_CYCLE_MS = "12"
_TORCHRUN = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


class SingleProcess:
    """One rank: the collectives have nothing to do."""

    rank, size, local_rank, local_size, name = 0, 1, 0, 1, "single process"

    def begin_sum(
        self, tensors: list[torch.Tensor], dtype: torch.dtype | None = None, megabytes: float = 0
    ) -> Callable[[], None]:
        """Leave the tensors as they are."""
        return lambda: None

    def total(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the tensor."""
        return tensor

    def broadcast(self, tensors: list[torch.Tensor]) -> None:
        """Leave the tensors as they are."""

    def share(self, content: bytes) -> bytes:
        """Return the bytes."""
        return content

    def close(self) -> None:
        """Nothing to end."""


class _Ranks(ABC):
    """What both libraries share: collectives on lists of tensors, made of one sum and one broadcast."""

    rank: int
    size: int
    local_rank: int
    local_size: int
    name: str

    @abstractmethod
    def _begin(self, flat: torch.Tensor) -> Callable[[], torch.Tensor]:
        """Start to add up a tensor that may be written over; return what waits for the sum."""

    @abstractmethod
    def _broadcast(self, tensor: torch.Tensor) -> None:
        """Replace a tensor by rank 0's."""

    def begin_sum(
        self, tensors: list[torch.Tensor], dtype: torch.dtype | None = None, megabytes: float = 0
    ) -> Callable[[], None]:
        """Start to add up every tensor over the ranks; return what waits and then replaces them by their sums.

        What the caller does in between costs no time as long as the sums are under way.  They travel fused in buffers of at
        most ``megabytes`` (0: in one), which is one negotiation per buffer and not one per tensor; as ``dtype`` (float16,
        bfloat16), if given, which halves what travels.
        """
        under_way = []
        for group in _groups(tensors, megabytes):
            flat = torch.cat([t.reshape(-1) for t in group])
            under_way.append((group, self._begin(flat if dtype is None else flat.to(dtype))))

        def finish() -> None:
            for group, wait in under_way:
                for tensor, part in zip(group, wait().split([t.numel() for t in group]), strict=True):
                    tensor.copy_(part.view_as(tensor))

        return finish

    def total(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the sum of a tensor over the ranks."""
        return self._begin(tensor.clone())()

    def broadcast(self, tensors: list[torch.Tensor]) -> None:
        """Replace every tensor by rank 0's."""
        for tensor in tensors:
            self._broadcast(tensor)

    def share(self, content: bytes) -> bytes:
        """Return rank 0's bytes."""
        size = torch.tensor([len(content)])
        self._broadcast(size)
        buffer = torch.frombuffer(bytearray(content), dtype=torch.uint8) if self.rank == 0 and content else None
        if buffer is None:
            buffer = torch.zeros(int(size), dtype=torch.uint8)
        if len(buffer):
            self._broadcast(buffer)
        return buffer.numpy().tobytes()


class HorovodRanks(_Ranks):
    """Ranks under Horovod: NCCL between GPUs where it was built with it, Gloo or MPI between CPUs."""

    name = "horovod"

    def __init__(self):
        hvd = horovod_for_torch()
        if not torch.cuda.is_available():
            os.environ.setdefault("HOROVOD_CYCLE_TIME", _CPU_CYCLE_MS)
        hvd.init()
        self._hvd = hvd
        self._names: list[str] = []
        self.rank, self.size = hvd.rank(), hvd.size()
        self.local_rank, self.local_size = hvd.local_rank(), hvd.local_size()

    def _begin(self, flat: torch.Tensor) -> Callable[[], torch.Tensor]:
        # A name that comes back lets Horovod skip the negotiation of what it has seen before.
        name = f"sum.{flat.dtype}.{tuple(flat.shape)}.{len(self._names)}"
        self._names.append(name)
        handle = self._hvd.allreduce_async_(flat, op=self._hvd.Sum, name=name)

        def wait() -> torch.Tensor:
            self._names.remove(name)
            return self._hvd.synchronize(handle)

        return wait

    def _broadcast(self, tensor: torch.Tensor) -> None:
        self._hvd.broadcast_(tensor, root_rank=0)

    def close(self) -> None:
        """End Horovod's background thread."""
        self._hvd.shutdown()


class TorchRanks(_Ranks):
    """Ranks under torch.distributed: Gloo between CPUs, NCCL between GPUs."""

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

    def _begin(self, flat: torch.Tensor) -> Callable[[], torch.Tensor]:
        work = dist.all_reduce(flat, async_op=True)

        def wait() -> torch.Tensor:
            work.wait()
            return flat

        return wait

    def _broadcast(self, tensor: torch.Tensor) -> None:
        dist.broadcast(tensor, src=0)

    def close(self) -> None:
        """Leave the group."""
        dist.destroy_process_group()


def _groups(tensors: list[torch.Tensor], megabytes: float) -> Iterator[list[torch.Tensor]]:
    """Cut a list into runs of at most so many megabytes; a larger tensor goes alone."""
    run: list[torch.Tensor] = []
    for tensor in tensors:
        if run and megabytes and sum(t.nbytes for t in [*run, tensor]) > megabytes * 2**20:
            yield run
            run = []
        run.append(tensor)
    if run:
        yield run


Ranks = SingleProcess | HorovodRanks | TorchRanks


def choose(backend: str) -> tuple[str, str]:
    """Return the backend and why: what was asked for, what the launcher says that started this process, else none."""
    if backend not in BACKENDS:
        raise ProtoduneError(f"backend: found '{backend}', expected one of {', '.join(BACKENDS)}")
    if backend != "auto":
        return backend, "as asked for"
    if os.environ.get("PROTODUNE_BACKEND"):
        return os.environ["PROTODUNE_BACKEND"], "the launcher chose it"
    if "HOROVOD_RANK" in os.environ:
        return "horovod", "horovodrun started this process"
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return "torch", "torchrun started this process"
    return "none", "no launcher started this process"


def connect(backend: str = "auto") -> Ranks:
    """Join the other ranks; the choice and its reason go to the log."""
    name, reason = choose(backend)
    ranks = {"horovod": HorovodRanks, "torch": TorchRanks, "none": SingleProcess}[name]()
    if ranks.rank == 0:
        log.info("backend %s: %s", name, reason)
    return ranks
