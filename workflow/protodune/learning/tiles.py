"""Cut planes into overlapping tiles and put them together again; stitch(tile(x)) == x for every size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from protodune.core.errors import ProtoduneError


@dataclass(frozen=True)
class Span:
    """One axis of a tile: it reads [start, stop) and is responsible for [keep_start, keep_stop)."""

    start: int
    stop: int
    keep_start: int
    keep_stop: int


def plan_axis(size: int, tile: int, overlap: int) -> list[Span]:
    """Plan tiles of ``tile`` along an axis of ``size``, neighbours sharing ``overlap`` or more.

    The kept parts meet in the middle of each overlap and cover the axis exactly once.  A tile is as long as the axis where
    that is shorter.  ``overlap`` must be below ``tile``.
    """
    if tile < 1 or not 0 <= overlap < tile:
        raise ProtoduneError(f"tile {tile} with overlap {overlap}: expected tile >= 1 and 0 <= overlap < tile")
    if size <= tile:
        return [Span(0, size, 0, size)]
    n = -(-(size - overlap) // (tile - overlap))
    starts = [min(i * (tile - overlap), size - tile) for i in range(n)]
    cuts = [0] + [(a + tile + b) // 2 for a, b in pairwise(starts)] + [size]
    return [Span(s, s + tile, k0, k1) for s, k0, k1 in zip(starts, cuts[:-1], cuts[1:], strict=True)]


def plan_tiles(shape: tuple[int, int], tile: tuple[int, int], overlap: tuple[int, int]) -> list[tuple[Span, Span]]:
    """Plan the tiles of an image (channels, ticks), row by row."""
    rows, columns = (plan_axis(s, t, o) for s, t, o in zip(shape, tile, overlap, strict=True))
    return [(r, c) for r in rows for c in columns]


def cut_tiles(image: np.ndarray, plan: list[tuple[Span, Span]]) -> Iterator[np.ndarray]:
    """Yield the tiles of an array (..., channels, ticks) as views."""
    for rows, columns in plan:
        yield image[..., rows.start : rows.stop, columns.start : columns.stop]


def put_tile(target: np.ndarray, tile: np.ndarray, where: tuple[Span, Span]) -> None:
    """Write the kept part of a tile into ``target`` (..., channels, ticks)."""
    r, c = where
    kept = tile[..., r.keep_start - r.start : r.keep_stop - r.start, c.keep_start - c.start : c.keep_stop - c.start]
    target[..., r.keep_start : r.keep_stop, c.keep_start : c.keep_stop] = kept


def stitch_tiles(tiles: Iterator[np.ndarray], plan: list[tuple[Span, Span]], shape: tuple[int, ...]) -> np.ndarray:
    """Put tiles together into an array of ``shape``; the inverse of ``cut_tiles`` with the same plan."""
    target = None
    for tile, where in zip(tiles, plan, strict=True):
        if target is None:
            target = np.empty(shape, tile.dtype)
        put_tile(target, tile, where)
    return target
