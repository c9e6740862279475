"""Rolling checkpoints, from which a training goes on; nothing is ever unpickled."""

from __future__ import annotations

import fcntl
import hashlib
import io
import logging
import os
import socket
import time
from pathlib import Path
from typing import BinaryIO

import torch

from protodune.core.errors import ProtoduneError
from protodune.core.files import atomic_path

KEPT_CHECKPOINTS = 2
_COST_FACTOR = 50
_DIGITS = 16

log = logging.getLogger(__name__)


class RollingCheckpoints:
    """Checkpoints in a folder of their own, which the workflow does not delete; the last two are kept.

    A name holds epochs and steps done and the SHA-256 of the content, so that a torn file is known for what it is.  Only a
    checkpoint with the same ``fingerprint`` (settings, data, code) is resumed.  One training at a time writes into a folder.

    ``minutes``: at most so much work is lost; at the end of an epoch one is written more often, as long as writing takes
    less than a fiftieth of the time.
    """

    def __init__(self, folder: str | Path | None, fingerprint: str, minutes: float = 10.0):
        self._folder = Path(folder) if folder else None
        self._fingerprint, self._interval = fingerprint, minutes * 60
        self._last, self._cost = time.monotonic(), 0.0
        self._lock: BinaryIO | None = None

    def due(self) -> bool:
        """Whether the interval has passed since the last one."""
        return self._folder is not None and time.monotonic() - self._last >= self._interval

    def affordable(self) -> bool:
        """Whether another one would take less than a fiftieth of the time since the last one."""
        return self._folder is not None and time.monotonic() - self._last >= _COST_FACTOR * self._cost

    def lock(self) -> None:
        """Make this the one training that writes here, as long as the process lives; refused if another one does."""
        if self._folder is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = (self._folder / "lock").open("a+b")
        except OSError as error:
            raise ProtoduneError(
                f"{self._folder}: cannot be written ({error.strerror}), expected a folder for checkpoints; choose another"
            ) from None
        try:
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.seek(0)
            owner = self._lock.read().decode(errors="replace").strip() or "an unknown process"
            raise ProtoduneError(
                f"{self._folder}: {owner} is training into this folder, expected nobody; wait for it, or end it (scancel, "
                "kill), then run again"
            ) from None
        self._lock.truncate(0)
        self._lock.write(_who().encode())
        self._lock.flush()

    def save(self, epoch: int, step: int, state: dict) -> None:
        """Write the state after ``epoch`` epochs and ``step`` steps of the next, then remove all but the last two.

        A disk that is full ends no training: the checkpoint is left out, those before it stay.
        """
        if self._folder is None:
            return
        started = time.monotonic()
        content = io.BytesIO()
        torch.save({"fingerprint": self._fingerprint, "epoch": epoch, "step": step, **state}, content)
        digest = hashlib.sha256(content.getbuffer()).hexdigest()[:_DIGITS]
        try:
            with atomic_path(self._folder / f"epoch-{epoch:05d}-step-{step:07d}-{digest}.pt") as temporary:
                temporary.write_bytes(content.getbuffer())
        except ProtoduneError as error:
            log.warning("no checkpoint after epoch %d, step %d: %s; training goes on", epoch, step, error)
        for old in self._files()[KEPT_CHECKPOINTS:]:
            old.unlink()
        self._last = time.monotonic()
        self._cost = self._last - started

    def latest(self) -> bytes:
        """Return the newest checkpoint that is whole and has this fingerprint, to be read by ``restored``; else nothing."""
        for path in self._files():
            try:
                content = path.read_bytes()
            except OSError as error:
                log.warning("%s: cannot be read (%s), trying the one before", path, error.strerror)
                continue
            if hashlib.sha256(content).hexdigest()[:_DIGITS] != path.stem.split("-")[-1]:
                log.warning("%s: torn (its content does not fit the checksum in its name), trying the one before", path)
                continue
            if restored(content)["fingerprint"] == self._fingerprint:
                return content
            log.info("%s: of other settings, data or code; not resumed", path)
        return b""

    def _files(self) -> list[Path]:
        """Checkpoints, the newest first."""
        return sorted(self._folder.glob("epoch-*.pt"), reverse=True) if self._folder else []

    def clear(self) -> None:
        """Remove the checkpoints of a finished training."""
        if self._folder is not None:
            for path in (*self._files(), self._folder / "lock"):
                path.unlink(missing_ok=True)
            if self._folder.is_dir() and not any(self._folder.iterdir()):
                self._folder.rmdir()


def restored(content: bytes) -> dict:
    """Read the bytes of a checkpoint: tensors and plain containers only."""
    return torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")


def _who() -> str:
    job = os.environ.get("SLURM_JOB_ID") or os.environ.get("LSB_JOBID")
    return f"process {os.getpid()} on {socket.gethostname()}" + (f", job {job}" if job else "")
