"""Planes in blocks of channels that stay in a processor's cache: several passes over one then cost hardly more than one."""

from __future__ import annotations

from collections.abc import Iterator

ROWS = 32
"""Channels of 6,000 ticks in float32 that take less than a megabyte."""


def row_blocks(n_rows: int, rows: int = ROWS) -> Iterator[slice]:
    """Yield slices of at most ``rows`` rows that together are all of ``n_rows``."""
    return (slice(first, min(first + rows, n_rows)) for first in range(0, n_rows, rows))
