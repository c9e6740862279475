"""Which processes to start where: the slots of a queue's allocation, or of this machine."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections import Counter
from dataclasses import dataclass

from protodune.core.errors import ProtoduneError


@dataclass(frozen=True)
class Slot:
    """One rank: where it runs and its place among all ranks, among those of its node (local) and among the nodes (cross)."""

    host: str
    rank: int
    size: int
    local_rank: int
    local_size: int
    cross_rank: int
    cross_size: int


@dataclass(frozen=True)
class Allocation:
    """What a queue gave: ``hosts`` in its order, ranks per host, CPUs per rank (0: as the machine has), the address of this
    node."""

    queue: str
    hosts: tuple[str, ...]
    per_host: int
    cpus: int
    address: str


def plan_slots(hosts: list[str] | tuple[str, ...], per_host: int, ranks: int = 0) -> list[Slot]:
    """Fill the hosts in order with ``per_host`` ranks each, ``ranks`` in all (0: as many as fit)."""
    offered = len(hosts) * per_host
    ranks = ranks or offered
    if ranks > offered:
        raise ProtoduneError(
            f"launch: {ranks} ranks wanted, found room for {offered} ({len(hosts)} nodes of {per_host}); ask for fewer with "
            "--ranks, or for more nodes or tasks_per_node in the profile"
        )
    counts = [min(per_host, ranks - first) for first in range(0, ranks, per_host)]
    slots = []
    for cross_rank, count in enumerate(counts):
        for local_rank in range(count):
            rank = cross_rank * per_host + local_rank
            cross_size = sum(local_rank < other for other in counts)
            slots.append(Slot(hosts[cross_rank], rank, ranks, local_rank, count, cross_rank, cross_size))
    return slots


def find_allocation(ranks: int) -> Allocation:
    """Return the allocation of the Slurm or LSF job that this is, or this machine with ``ranks`` slots."""
    if os.environ.get("SLURM_JOB_ID"):
        return _slurm(os.environ["SLURM_JOB_ID"])
    if os.environ.get("LSB_JOBID") and shutil.which("blaunch"):
        return _lsf(os.environ)
    return Allocation("", ("localhost",), max(1, ranks), 0, "127.0.0.1")


def _slurm(job: str) -> Allocation:
    """Ask Slurm itself: Snakemake strips every other SLURM_ variable from the jobs that it runs."""
    text = _output(["scontrol", "-o", "show", "job", job])
    return parse_slurm_job(text, _output(["scontrol", "show", "hostnames", field(text, "NodeList")]).split(), job)


def parse_slurm_job(text: str, hosts: list[str], job: str) -> Allocation:
    """Read ``scontrol -o show job``: tasks per node, or tasks over nodes where only their number was asked for."""
    per_node = field(text, "NtasksPerN:B:S:C").split(":")[0]
    tasks = field(text, "NumTasks")
    if per_node.isdigit() and int(per_node):
        per_host = int(per_node)
    elif tasks.isdigit() and int(tasks) % len(hosts) == 0:
        per_host = int(tasks) // len(hosts)
    else:
        raise ProtoduneError(
            f"launch: Slurm job {job} has {tasks or 'an unknown number of'} tasks on {len(hosts)} nodes, expected as many "
            "on each; set tasks_per_node in the profile"
        )
    cpus = field(text, "CPUs/Task")
    here = os.environ.get("SLURMD_NODENAME", hosts[0])
    address = field(_output(["scontrol", "-o", "show", "node", here]), "NodeAddr") or here
    return Allocation(f"Slurm job {job}", tuple(hosts), per_host, int(cpus) if cpus.isdigit() else 1, _address(address))


def field(text: str, name: str) -> str:
    """Return a field of ``scontrol -o``; empty if it is not there."""
    found = re.search(rf"(?:^|\s){re.escape(name)}=(\S*)", text)
    return found[1] if found else ""


def _lsf(environment: os._Environ) -> Allocation:
    """LSB_MCPU_HOSTS is "host slots host slots ..."; a batch host without ranks comes first on some sites with one slot."""
    words = environment.get("LSB_MCPU_HOSTS", "").split()
    slots = Counter({host: int(n) for host, n in zip(words[::2], words[1::2], strict=True)})
    if len(slots) > 1 and slots[words[0]] == 1 and max(slots.values()) > 1:
        del slots[words[0]]
    if not slots or len(set(slots.values())) > 1:
        raise ProtoduneError(
            f"launch: LSB_MCPU_HOSTS is '{' '.join(words)}', expected hosts with equal numbers of slots; ask LSF for them "
            "with span[ptile=N] in the profile"
        )
    hosts = tuple(slots)
    return Allocation(f"LSF job {environment['LSB_JOBID']}", hosts, slots[hosts[0]], 1, _address(socket.gethostname()))


def _address(host: str) -> str:
    try:
        return socket.gethostbyname(host)
    except OSError as error:
        raise ProtoduneError(f"launch: node {host} has no address ({error}); ask the site's administrators") from None


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip()
    except FileNotFoundError:
        raise ProtoduneError(f"launch: found no command {command[0]}, expected it on the nodes of a Slurm job") from None
    except subprocess.CalledProcessError as error:
        raise ProtoduneError(f"launch: '{' '.join(command)}' failed: {error.stderr.strip()}") from None
