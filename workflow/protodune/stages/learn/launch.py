"""Start a program on all ranks: ``python -m protodune.stages.learn.launch [--ranks N] -- python -m MODULE ...``.

Inside a Slurm job one srun starts a rank for every task of the allocation, inside an LSF job blaunch does, elsewhere
``--ranks`` processes start on this machine.  The launcher holds the store by which Horovod (over Gloo) or torch.distributed
find each other: no ssh, no MPI, no port to agree on.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys

from protodune.core.errors import ProtoduneError
from protodune.launch.allocation import find_allocation, plan_slots
from protodune.launch.rendezvous import BACKENDS, choose_backend, serve
from protodune.launch.starters import commands, run_together
from protodune.launch.worker import own_cpus, rank_environment, slot_of_slurm_task
from protodune.stages.command import run_stage

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line."""
    p = argparse.ArgumentParser(prog="python -m protodune.stages.learn.launch", description=__doc__.splitlines()[0])
    p.add_argument("--ranks", type=int, default=0, help="ranks in all; in a queue all tasks that it gave, else 1")
    p.add_argument("--backend", choices=BACKENDS, default="auto", help="auto: horovod where it is installed, else torch")
    p.add_argument("--port", type=int, default=0, help="of the rendezvous; a free one is taken")
    p.add_argument("--threads", type=int, default=0, help="CPU threads per rank; in a queue its CPUs per task")
    p.add_argument("--srun-options", default="", help="further options of srun, for instance '--gpus-per-task=1'")
    p.add_argument("--mpi", default="", help="start by 'srun --mpi=TYPE' for a Horovod that was built with MPI only")
    p.add_argument("--worker", help=argparse.SUPPRESS)
    p.add_argument("--rank", type=int, help=argparse.SUPPRESS)
    p.add_argument("program", nargs="+", help="the program and its arguments, after --")
    return p


def launch(args: argparse.Namespace) -> int:
    """Start the ranks, wait, return the exit code."""
    allocation = find_allocation(args.ranks)
    slots = plan_slots(allocation.hosts, allocation.per_host, args.ranks)
    backend, reason = choose_backend(args.backend)
    port, _store = serve(backend, slots, allocation.address, args.port)
    plan = {
        "hosts": allocation.hosts, "per_host": allocation.per_host, "ranks": len(slots), "backend": backend,
        "address": allocation.address, "port": port, "threads": args.threads or allocation.cpus, "mpi": bool(args.mpi),
    }  # fmt: skip
    extra = f"--mpi={args.mpi} {args.srun_options}" if args.mpi else args.srun_options
    log.info(
        "%d rank(s) on %d node(s) (%s), backend %s because %s, rendezvous %s:%d",
        len(slots), slots[-1].cross_rank + 1, allocation.queue or "this machine", backend, reason, allocation.address, port,
    )  # fmt: skip
    return run_together(commands(allocation, slots, json.dumps(plan), extra, args.program))


def work(args: argparse.Namespace) -> None:
    """Become a rank: set its environment and its CPUs, then run the program in this process's place."""
    plan = json.loads(args.worker)
    slots = plan_slots(plan["hosts"], plan["per_host"], plan["ranks"])
    slot = slot_of_slurm_task(slots) if args.rank is None else slots[args.rank]
    os.environ.update(rank_environment(slot, plan["backend"], plan["address"], plan["port"], plan["threads"], plan["mpi"]))
    cpus = own_cpus(sorted(os.sched_getaffinity(0)), os.cpu_count() or 1, slot, plan["threads"])
    if cpus:
        os.sched_setaffinity(0, cpus)
    try:
        os.execvp(args.program[0], args.program)
    except OSError as error:
        raise ProtoduneError(
            f"launch: rank {slot.rank}: cannot start {args.program[0]} ({error.strerror}), expected a program on PATH"
        ) from None


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code of the ranks."""
    args = parser().parse_args(argv)
    codes = [0]

    def action() -> None:
        if args.worker:
            work(args)
        codes[0] = launch(args)

    return run_stage("launch", action) or codes[0]


if __name__ == "__main__":
    sys.exit(main())
