"""One process at a time in a batch: a job that a killed Snakemake left behind may still be at it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Wait until no other process holds the lock of this path, and hold it.

    On a file system without locks nothing is held: files are then cleaned twice at worst, since each appears whole.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        try:
            _wait(file, path)
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
                raise
            log.warning("%s: no locks on this file system (%s); going on without", path, error.strerror)
        file.truncate(0)
        file.write(who().encode())
        file.flush()
        yield


def _wait(file, path: Path) -> None:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        file.seek(0)
        owner = file.read().decode(errors="replace") or "another process"
        log.info("%s: %s is at this batch; waiting until it ends", path, owner)
        fcntl.lockf(file, fcntl.LOCK_EX)


def held(path: Path) -> bool:
    """Whether a process holds the lock of this path."""
    try:
        with path.open("rb") as file:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return True
    except OSError:  # no such file, no locks
        return False
    return False


def who() -> str:
    """Return this process, its machine and its job in words."""
    job = os.environ.get("SLURM_JOB_ID") or os.environ.get("LSB_JOBID")
    return f"process {os.getpid()} on {socket.gethostname()}" + (f", job {job}" if job else "")
