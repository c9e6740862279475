"""End a rank that makes no progress, and with it the job: a queue would let it sit there until its time limit."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
import time

log = logging.getLogger(__name__)

EXIT_CODE = 75
"""EX_TEMPFAIL: trying again may help."""


class Watchdog:
    """Ends this process when ``progress`` was not called for ``minutes`` (0: never).

    A rank that waits for another one that hangs makes no progress either, so it is enough that one can still be ended: the
    launcher then ends the others.
    """

    def __init__(self, minutes: float, rank: int):
        self._seconds, self._rank = minutes * 60, rank
        self._last, self._doing = time.monotonic(), "starting"
        self._stop = threading.Event()
        if minutes > 0:
            threading.Thread(target=self._watch, daemon=True).start()

    def progress(self, doing: str) -> None:
        """Say that something was done, and what comes next."""
        self._last, self._doing = time.monotonic(), doing

    def stop(self) -> None:
        """Watch no more."""
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(min(5.0, self._seconds / 4)):
            silent = time.monotonic() - self._last
            if silent > self._seconds:
                log.error(
                    "rank %d: no progress for %.1f minutes in %s, expected some every %.1f; this rank or one that it waits "
                    "for hangs, so the job ends here and a retry goes on from the last checkpoint (--watchdog-minutes)",
                    self._rank, silent / 60, self._doing, self._seconds / 60,
                )  # fmt: skip
                faulthandler.dump_traceback(sys.stderr)
                os._exit(EXIT_CODE)
