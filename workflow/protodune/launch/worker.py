"""One rank's environment: what Horovod and torch.distributed expect of a launcher."""

from __future__ import annotations

import fcntl
import os
import socket
import struct

from protodune.core.errors import ProtoduneError
from protodune.launch.allocation import Slot

_SIOCGIFADDR = 0x8915


def interface_towards(address: str) -> str:
    """Return the network interface by which this host reaches an address; empty if it cannot be told."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))  # sends nothing
        mine = probe.getsockname()[0]
        for _, name in socket.if_nameindex():
            try:
                answer = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
            except OSError:
                continue  # an interface without an address
            if socket.inet_ntoa(answer[20:24]) == mine:
                return name
    return ""


def rank_environment(slot: Slot, backend: str, address: str, port: int, threads: int, mpi: bool) -> dict[str, str]:
    """Return the variables of one rank.  ``address`` and ``port`` are those of the rendezvous that the launcher holds;
    ``threads`` of 0 are left to the program; with ``mpi`` Horovod gets its rank from there."""
    interface = interface_towards(address)
    variables = {"PROTODUNE_BACKEND": backend, "PYTHONUNBUFFERED": "1"}
    if interface:
        variables |= {"GLOO_SOCKET_IFNAME": interface, "NCCL_SOCKET_IFNAME": interface}
    if threads:
        variables |= {"PROTODUNE_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    if backend == "torch":
        # The launcher holds the store, so no rank has to find a free port that another process may take meanwhile.
        return variables | {
            "RANK": str(slot.rank),
            "WORLD_SIZE": str(slot.size),
            "LOCAL_RANK": str(slot.local_rank),
            "LOCAL_WORLD_SIZE": str(slot.local_size),
            "MASTER_ADDR": address,
            "MASTER_PORT": str(port),
            "TORCHELASTIC_USE_AGENT_STORE": "True",
            "TORCHELASTIC_RESTART_COUNT": "0",
        }
    if mpi:
        return variables
    # As horovod/runner/gloo_run.py sets them.
    return variables | {
        "HOROVOD_HOSTNAME": slot.host,
        "HOROVOD_RANK": str(slot.rank),
        "HOROVOD_SIZE": str(slot.size),
        "HOROVOD_LOCAL_RANK": str(slot.local_rank),
        "HOROVOD_LOCAL_SIZE": str(slot.local_size),
        "HOROVOD_CROSS_RANK": str(slot.cross_rank),
        "HOROVOD_CROSS_SIZE": str(slot.cross_size),
        "HOROVOD_GLOO_RENDEZVOUS_ADDR": address,
        "HOROVOD_GLOO_RENDEZVOUS_PORT": str(port),
        "HOROVOD_GLOO_IFACE": interface,
        "HOROVOD_GLOO_TIMEOUT_SECONDS": os.environ.get("HOROVOD_GLOO_TIMEOUT_SECONDS", "120"),
        "HOROVOD_CONTROLLER": "gloo",
        "HOROVOD_CPU_OPERATIONS": "gloo",
    }


def slot_of_slurm_task(slots: list[Slot]) -> Slot:
    """Return the slot of the Slurm task that this process is; tasks were dealt in blocks, as the slots are."""
    slot = slots[int(os.environ["SLURM_PROCID"])]
    local = int(os.environ["SLURM_LOCALID"])
    if local != slot.local_rank:
        raise ProtoduneError(
            f"launch: Slurm gave rank {slot.rank} the place {local} on its node, expected {slot.local_rank}; take "
            "'distribution' out of the profile"
        )
    return slot


def own_cpus(allowed: list[int], machine: int, slot: Slot, cpus: int) -> list[int] | None:
    """Return the CPUs of a rank: its share, if the queue confined this node's ranks together to just what they asked for.

    ``allowed`` are this process's CPUs of ``machine`` in all.  None, to leave them alone: a task that has its own already, a
    queue that confines nobody, and a machine that others use too.
    """
    confined = len(allowed) < machine and len(allowed) == cpus * slot.local_size
    if not confined or slot.local_size == 1:
        return None
    return allowed[slot.local_rank * cpus : (slot.local_rank + 1) * cpus]
