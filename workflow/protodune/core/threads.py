"""Work of several threads whose results come in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from itertools import islice
from typing import TypeVar

Job, Result = TypeVar("Job"), TypeVar("Result")


def in_order(pool: Executor, work: Callable[[Job], Result], jobs: Iterable[Job], ahead: int) -> Iterator[Result]:
    """Yield the results of ``work`` in the order of the ``jobs``; at most ``ahead`` of them are begun before they are asked
    for, so that what waits takes little memory.  The first error ends it; what has not begun by then is not done."""
    jobs = iter(jobs)
    begun = deque(pool.submit(work, job) for job in islice(jobs, ahead))
    try:
        while begun:
            result = begun.popleft().result()
            begun.extend(pool.submit(work, job) for job in islice(jobs, 1))
            yield result
            del result
    finally:
        for future in begun:
            future.cancel()
