"""Horovod, and the stores by which ranks find each other; the only module that imports Horovod.

Neither Horovod nor torch is imported before it is asked for, so that the launcher starts quickly.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Sequence
from types import ModuleType
from typing import Protocol

from protodune.core.errors import ProtoduneError


class Place(Protocol):
    """Where a rank runs: its host, its place among all ranks, among those of its node (local) and among nodes (cross)."""

    host: str
    rank: int
    size: int
    local_rank: int
    local_size: int
    cross_rank: int
    cross_size: int


def horovod_installed() -> bool:
    """Whether Horovod can be imported."""
    return importlib.util.find_spec("horovod") is not None


def horovod_for_torch() -> ModuleType:
    """Return Horovod's module of operations on torch tensors."""
    try:
        import horovod.torch
    except ImportError as error:
        raise ProtoduneError(
            f"backend horovod: cannot be imported ({error}); build it with 'make setup' or set backend: none"
        ) from None
    return horovod.torch


def serve_horovod(slots: Sequence[Place], address: str, port: int) -> tuple[int, object]:
    """Start Horovod's rendezvous for these ranks; return its port and what to keep alive.  ``port`` 0: a free one."""
    from horovod.runner.common.util.hosts import SlotInfo
    from horovod.runner.http.http_server import RendezvousHandler, RendezvousHTTPServer

    server = RendezvousHTTPServer((address, port), RendezvousHandler, verbose=0)
    plan = [SlotInfo(s.host, s.rank, s.local_rank, s.cross_rank, s.size, s.local_size, s.cross_size) for s in slots]
    server.init(plan)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1], server


def serve_torch(address: str, port: int) -> tuple[int, object]:
    """Start the store of torch.distributed; return its port and what to keep alive.  ``port`` 0: a free one."""
    from torch.distributed import TCPStore

    store = TCPStore(address, port, is_master=True, wait_for_workers=False)
    return store.port, store
