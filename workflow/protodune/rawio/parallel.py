"""Work on independent pieces, on threads where they help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def for_each(action: Callable[[T], None], pieces: Sequence[T], threads: int) -> None:
    """Call ``action`` on every piece, on up to ``threads`` threads; the first error is raised."""
    if threads > 1 and len(pieces) > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(action, pieces))
    else:
        for piece in pieces:
            action(piece)
