"""Work of several threads whose results come in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from itertools import islice, repeat
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


def read_ahead(items: Iterable[Result]) -> Iterator[Result]:
    """Yield the items, the next of which is made by a thread while one is used; none may be None."""
    source = iter(items)
    with ThreadPoolExecutor(1) as pool:
        for item in in_order(pool, lambda _: next(source, None), repeat(None), 1):
            if item is None:
                return
            yield item
            del item
