"""The record of each file, NAME.json beside its NAME.root: begun, done with what, or failed and why.

A record appears whole, and nothing else says what is done: so a job that was killed goes on at the file where it was, and
the state of a campaign can be read at any time.
"""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from protodune.core.errors import ProtoduneError
from protodune.core.file_lists import is_address
from protodune.core.files import write_text

VERSION = 2
DONE, FAILED, BEGUN = "done", "failed", "begun"
DAMAGED, PASSING, OTHER = "damaged", "passing", "other"
"""Kinds of failures: of the file itself, which stays as it is until the file changes; of disks and networks, which may be
gone at the next attempt; and those that depend on other files, or on whether there is a file at all."""
MOST_BEGINNINGS = 2
"""A file at which a job ended so often without a word is not begun again."""
_FULL = {errno.ENOSPC, errno.EDQUOT}
_PASSING = {
    errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EREMOTEIO, errno.ENETDOWN, errno.ENETUNREACH, errno.ECONNRESET,
    errno.ECONNABORTED, errno.ECONNREFUSED, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.EAGAIN, errno.EBUSY, errno.ENOTCONN,
}  # fmt: skip
_NEEDED = {
    DONE: {"same", "events", "lost", "images", "output_bytes", "source_bytes"},
    FAILED: {"same", "cause", "kind"},
    BEGUN: {"same", "beginnings"},
}


@dataclass(frozen=True)
class Record:
    """The record at ``path``; ``found`` is what it says, None if there is none that can be read."""

    path: Path
    found: dict | None

    @classmethod
    def read(cls, path: Path) -> Record:
        """Read the record of an earlier run."""
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or not _NEEDED.get(found.get("status"), {""}) <= set(found):
            found = None
        return cls(path, found)

    def is_of(self, same: dict, status: str) -> bool:
        """Whether it says that the same was done with the same file, to this ``status``."""
        return self.found is not None and self.found["status"] == status and self.found["same"] == plain(same)

    def begin(self, same: dict) -> None:
        """Write that a file is begun."""
        before = self.found["beginnings"] if self.is_of(same, BEGUN) else 0
        self._write({"status": BEGUN, "same": same, "beginnings": before + 1})

    def forget(self) -> None:
        """Remove the record: the file was left for a reason that is not its own."""
        self.path.unlink(missing_ok=True)

    def ended_too_often(self, same: dict) -> bool:
        """Whether jobs ended at this file as often as may be."""
        return self.is_of(same, BEGUN) and self.found["beginnings"] >= MOST_BEGINNINGS

    def done(self, same: dict, content: dict) -> None:
        """Write what was made of a file."""
        self._write({"status": DONE, "same": same, **content})

    def failed(self, same: dict, kind: str, cause: str) -> None:
        """Write why nothing was made of a file."""
        self._write({"status": FAILED, "same": same, "kind": kind, "cause": cause})

    def _write(self, content: dict) -> None:
        write_text(self.path, json.dumps({**content, "version": VERSION, "time": round(time.time(), 1)}, indent=1) + "\n")


def plain(same: dict) -> dict:
    """Return what a record says as it is read again."""
    return json.loads(json.dumps(same))


def event_twice(source: str, event: Sequence[int], other: str) -> str:
    """Say that an event of a file is in another as well."""
    return (
        f"{source}: event {tuple(event)} (run, subrun, event) is in {other} as well, expected it once; "
        "leave one of the files out"
    )


def is_full_disk(error: BaseException) -> bool:
    """Whether an error, or what led to it, is a full disk."""
    return any(number in _FULL for number in _errnos(error))


def kind_of(error: BaseException, source: str) -> str:
    """Return the kind of a failure."""
    if is_address(source) or any(number in _PASSING for number in _errnos(error)):
        return PASSING
    if not Path(source).is_file():
        return OTHER
    return DAMAGED if isinstance(error, ProtoduneError) else PASSING


def _errnos(error: BaseException) -> Iterator[int | None]:
    """Yield the numbers of the system's errors that led to an error."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        found = waiting.pop()
        if found is not None and id(found) not in seen:
            seen.add(id(found))
            if isinstance(found, OSError):
                yield found.errno
            waiting += [found.__cause__, found.__context__]
