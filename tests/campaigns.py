"""Small files for campaigns: each holds the event of the fixture `raw_event` under a number of its own."""

from __future__ import annotations

import copy
from pathlib import Path

from helpers import TICKS
from protodune.rawio.flat import write_flat


def write_small(path: Path, event, number: int, run: int = 1) -> Path:
    """Write a flat ROOT file of one event, (run, 0, number)."""
    numbered = copy.copy(event)
    numbered.run, numbered.event = run, number
    path.parent.mkdir(parents=True, exist_ok=True)
    write_flat(path, [numbered], TICKS, {})
    return path


def cut_off(path: Path, bytes_left: int = 3000) -> Path:
    """Damage a file as an interrupted copy does."""
    path.write_bytes(path.read_bytes()[:bytes_left])
    return path
