"""Where the ranks meet: Horovod's or torch's store, held by the launcher."""

from __future__ import annotations

import importlib.util
import socket
import threading

from protodune.core.errors import ProtoduneError
from protodune.launch.allocation import Slot

BACKENDS = ("auto", "horovod", "torch")


def choose_backend(wanted: str) -> tuple[str, str]:
    """Return the backend and why: Horovod where it is installed, else torch.distributed."""
    installed = importlib.util.find_spec("horovod") is not None
    if wanted == "horovod" and not installed:
        raise ProtoduneError("launch: backend horovod is not installed; run 'make setup', or give --backend torch")
    if wanted != "auto":
        return wanted, "as asked for"
    return ("horovod", "it is installed") if installed else ("torch", "Horovod is not installed")


def serve(backend: str, slots: list[Slot], address: str, port: int) -> tuple[int, object]:
    """Start the store on this node's address; return its port and what to keep alive.  ``port`` 0: a free one."""
    if port:
        _require_free(address, port)
    if backend == "torch":
        from torch.distributed import TCPStore

        store = TCPStore(address, port, is_master=True, wait_for_workers=False)
        return store.port, store
    from horovod.runner.common.util.hosts import SlotInfo
    from horovod.runner.http.http_server import RendezvousHandler, RendezvousHTTPServer

    server = RendezvousHTTPServer((address, port), RendezvousHandler, verbose=0)
    plan = [SlotInfo(s.host, s.rank, s.local_rank, s.cross_rank, s.size, s.local_size, s.cross_size) for s in slots]
    server.init(plan)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1], server


def _require_free(address: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise ProtoduneError(
                f"launch: port {port} cannot be used ({error.strerror}); leave --port out, and a free one is taken"
            ) from None
