"""Start the ranks and watch them: as soon as one fails, all end."""

from __future__ import annotations

import logging
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from protodune.core.errors import ProtoduneError, shown
from protodune.launch.allocation import Allocation, Slot

log = logging.getLogger(__name__)

_GRACE_S = 10.0
_POLL_S = 0.1


def commands(allocation: Allocation, slots: list[Slot], plan: str, extra: str, program: list[str]) -> list[list[str]]:
    """Return the command lines that start all ranks: one srun under Slurm, one blaunch per rank under LSF, else the ranks.

    All of them run this package's worker, which reads ``plan``, becomes its rank and then the program.
    """
    worker = [sys.executable, "-m", "protodune.stages.learn.launch", "--worker", plan]
    if allocation.queue.startswith("Slurm"):
        return [[*srun(allocation, slots, extra), *worker, "--", *program]]
    ranks = [[*worker, "--rank", str(slot.rank), "--", *program] for slot in slots]
    if allocation.queue:
        return [["blaunch", slot.host, *rank] for slot, rank in zip(slots, ranks, strict=True)]
    return ranks


def srun(allocation: Allocation, slots: list[Slot], extra: str) -> list[str]:
    """Return srun and its options, all of them, since Snakemake strips the variables that it would take them from."""
    return [
        "srun", f"--nodes={slots[-1].cross_rank + 1}", f"--ntasks={len(slots)}",
        f"--ntasks-per-node={allocation.per_host}", f"--cpus-per-task={allocation.cpus}", "--distribution=block",
        # The first rank that fails ends the step, and no rank stays long when another has left.
        "--kill-on-bad-exit=1", "--wait=60", "--label", *words(extra, "--srun-options"),
    ]  # fmt: skip


def words(options: str, where: str) -> list[str]:
    """Return the words of further options as a shell would split them; ``where``: the option that gave them."""
    try:
        return shlex.split(options)
    except ValueError as error:
        raise ProtoduneError(f"{where}: found {shown(options)} ({error}), expected words; close the quote") from None


def run_together(command_lines: Sequence[list[str]]) -> int:
    """Run processes until all have ended well or one has not; then end the others.  Returns the first bad exit code, or 0.

    A signal to end is passed on to all of them.
    """
    processes: list[subprocess.Popen] = []

    def pass_on(number: int, frame: object) -> None:
        for process in processes:
            process.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    for command in command_lines:
        try:
            processes.append(subprocess.Popen(command))
        except OSError as error:
            end(processes)
            raise ProtoduneError(
                f"launch: cannot start {command[0]} ({error.strerror}), expected it on the nodes of the job"
            ) from None
    failed, running = 0, True
    while running and not failed:
        codes = [p.poll() for p in processes]  # of all: one that runs must not hide another that has failed
        failed, running = next((code for code in codes if code), 0), None in codes
        if running and not failed:
            time.sleep(_POLL_S)
    if failed and len(processes) > 1:
        rank = next(i for i, p in enumerate(processes) if p.returncode)
        log.error("rank %d ended with %s; ending the others", rank, exit_text(failed))
    end(processes)
    return failed if failed >= 0 else 128 - failed


def end(processes: Sequence[subprocess.Popen]) -> None:
    """End what still runs: first asked, after ten seconds made to."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    until = time.monotonic() + _GRACE_S
    for process in processes:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def exit_text(code: int) -> str:
    """Return how a process ended, in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
