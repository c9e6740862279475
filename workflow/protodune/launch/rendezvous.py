"""Where the ranks meet: Horovod's or torch's store, held by the launcher."""

from __future__ import annotations

import socket

from protodune.core.errors import ProtoduneError
from protodune.launch.allocation import Slot
from protodune.learning.backends import horovod_installed, serve_horovod, serve_torch

BACKENDS = ("auto", "horovod", "torch")


def choose_backend(wanted: str) -> tuple[str, str]:
    """Return the backend and why: Horovod where it is installed, else torch.distributed."""
    installed = horovod_installed()
    if wanted == "horovod" and not installed:
        raise ProtoduneError("launch: backend horovod is not installed; run 'make setup', or give --backend torch")
    if wanted != "auto":
        return wanted, "as asked for"
    return ("horovod", "it is installed") if installed else ("torch", "Horovod is not installed")


def serve(backend: str, slots: list[Slot], address: str, port: int) -> tuple[int, object]:
    """Start the store on this node's address; return its port and what to keep alive.  ``port`` 0: a free one."""
    if port:
        _require_free(address, port)
    return serve_torch(address, port) if backend == "torch" else serve_horovod(slots, address, port)


def _require_free(address: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise ProtoduneError(
                f"launch: port {port} cannot be used ({error.strerror}); leave --port out, and a free one is taken"
            ) from None
