"""What a run says last when jobs failed: their errors, where their logs are, and what to do.

Snakemake prints dozens of lines about a failed job, of which one is the job's own.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

_ERROR = re.compile(r"^(?:\d+: )?((?!srun|slurmstepd)[\w. ]+: error: .*)")
"""A stage's message, with the number of its rank in front where srun puts one."""
_TAIL_BYTES = 200_000
_MOST = 10


@dataclass(frozen=True)
class Failure:
    """One job that failed: its rule, its logs (its own first, then those of the queue), and their states before it."""

    rule: str
    logs: tuple[str, ...]
    before: dict[str, tuple]

    def written(self) -> list[str]:
        """Return the logs that this job wrote: what stood in one before it began is of an earlier run."""
        return [log for log in self.logs if Path(log).is_file() and _state(log) != self.before.get(log)]

    def lines(self) -> list[str]:
        """Return what the job said, and where it did."""
        written = self.written()
        found = [line for log in written for line in _errors(log)]
        if not found:
            last = next((line for log in reversed(written) if (line := _last(log))), "")
            found = [f"{self.rule}: ended without a message of its own" + (f"; its last line: {last}" if last else "")]
        places = written or [f"{log} (nothing was written)" for log in self.logs[:1]]
        return [*dict.fromkeys(found), *(f"  log: {place}" for place in places)]


class Failures(logging.Handler):
    """Listens to Snakemake's log for jobs that begin, fail and finish; ``text`` is what the run says last."""

    def __init__(self):
        super().__init__()
        self._before: dict[str, tuple] = {}
        self._failed: dict[int, Failure] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Take in one record of Snakemake's; it has jobs as ``jobid`` or ``job_id``, and logs as paths."""
        event, said = str(getattr(record, "event", "")), vars(record)
        if event == "job_info":
            self._before |= {log: _state(log) for log in said["log"] if Path(log).is_file()}
        elif event == "job_error":
            logs = tuple(dict.fromkeys(said["log"]))
            self._failed[said["jobid"]] = Failure(said["rule_name"], logs, {k: self._before.get(k) for k in logs})
        elif event == "job_finished":  # another attempt
            self._failed.pop(said["job_id"], None)

    def text(self) -> str:
        """Return the errors of all jobs that failed for good, their logs, and what to do."""
        failed = list(self._failed.values())
        if not failed:
            return "protodune: error: the run ended early; Snakemake says above why"
        count = "1 job" if len(failed) == 1 else f"{len(failed)} jobs"
        more = [f"  ... and {len(failed) - _MOST} more; all logs are in results/logs"] if len(failed) > _MOST else []
        return "\n".join(
            [
                f"\nprotodune: {count} failed:",
                *(line for failure in failed[:_MOST] for line in failure.lines()),
                *more,
                "Mend what the message says and give the same command again: what is finished is kept. Where there is no "
                "message, the log says more.",
            ]
        )


def _state(log: str) -> tuple:
    state = Path(log).stat()
    return state.st_ino, state.st_size, state.st_mtime_ns


def _end_of(log: str) -> list[str]:
    with open(log, "rb") as file:
        file.seek(max(0, Path(log).stat().st_size - _TAIL_BYTES))
        return file.read().decode("utf-8", errors="replace").splitlines()


def _errors(log: str) -> list[str]:
    return [found[1] for line in _end_of(log) if (found := _ERROR.match(line))]


def _last(log: str) -> str:
    return next((line.strip() for line in reversed(_end_of(log)) if line.strip()), "")
