"""Frame files, the interchange format of the Wire-Cell Toolkit: waveforms of channels by tag and frame
(docs/data_format.md).

All names of members live here.  ``FrameWriter`` writes one frame at a time; ``FrameFile`` reads one at a time.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from protodune.core.errors import ProtoduneError
from protodune.detector.model import Detector
from protodune.rawio.npy_files import NpyFile, create_npy_file

VALUES, CHANNELS, TICKS, SUMMARY, MASK = "frame", "channels", "tickinfo", "summary", "chanmask"
NEEDED = (VALUES, CHANNELS, TICKS)
"""Members that every frame has."""
BAD = "bad"
"""Name of the mask of channels without a usable waveform."""
VALUE_TYPES = ("<i2", "<f4")
MAX_IDENT = 2**31 - 1
_MAX_TICK = 2**31
_MEMBER = re.compile(rf"({'|'.join((*NEEDED, SUMMARY, MASK))})_(.+)_(\d{{1,10}})\.npy")


@dataclass
class Frame:
    """What one tag holds of one event.

    ``ident`` is the number of the event; ``channel`` int32 (n,), offline; ``values`` int16 or float32 (n, ticks), of which
    column j is at ``time_ns`` + (``first_tick`` + j) ``tick_ns``; ``summary`` float64 (n,), or None.
    """

    tag: str
    ident: int
    channel: np.ndarray
    values: np.ndarray
    tick_ns: float
    time_ns: float = 0.0
    first_tick: int = 0
    summary: np.ndarray | None = None

    @property
    def start(self) -> int:
        """The tick of its first column, counted from time 0, to the nearest whole one."""
        return round(self.time_ns / self.tick_ns) + self.first_tick


class FrameWriter:
    """Appends frames to a new file; use ``FrameWriter.open``."""

    def __init__(self, append: Callable[[str, np.ndarray], None]):
        self._append = append

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: str | Path) -> Iterator[FrameWriter]:
        """Create a frame file, whose container is that of its name's end; it appears whole or not at all."""
        with create_npy_file(path) as append:
            yield cls(append)

    def write(self, frame: Frame) -> None:
        """Append a frame; those of one ident must follow each other, or Wire-Cell takes them for several events."""
        if frame.values.dtype.str not in VALUE_TYPES or frame.values.shape[:1] != frame.channel.shape:
            raise ValueError(
                f"frame {frame.tag}: {frame.values.dtype} {frame.values.shape} of {frame.channel.shape} channels"
            )
        self._put(VALUES, frame.tag, frame.ident, frame.values)
        self._put(CHANNELS, frame.tag, frame.ident, frame.channel.astype("<i4"))
        self._put(TICKS, frame.tag, frame.ident, np.array([frame.time_ns, frame.tick_ns, frame.first_tick], "<f8"))
        if frame.summary is not None:
            self._put(SUMMARY, frame.tag, frame.ident, frame.summary.astype("<f8"))

    def write_mask(self, name: str, ident: int, rows: np.ndarray) -> None:
        """Append a mask of an event, int32 (n, 3): channel, first tick and one past the last; without rows nothing."""
        if len(rows):
            self._put(MASK, name, ident, rows.astype("<i4"))

    def _put(self, kind: str, tag: str, ident: int, array: np.ndarray) -> None:
        self._append(f"{kind}_{tag}_{ident}.npy", array)


class FrameFile:
    """Reads a frame file; a context manager.  Members of other names are left alone."""

    def __init__(self, path: str | Path):
        self.path = str(path)
        self._file = NpyFile(path, "a frame file")
        self._there: dict[tuple[str, str, int], str] = {}
        for name in self._file.names():
            if found := _MEMBER.fullmatch(name):
                key = (found[1], found[2], int(found[3]))
                if key in self._there:
                    raise ProtoduneError(
                        f"{path}: {self._there[key]} and {name} are the same member, expected one; write it again"
                    )
                self._there[key] = name

    def __enter__(self) -> FrameFile:
        return self

    def __exit__(self, *exception) -> None:
        self._file.__exit__(*exception)

    def frames(self) -> list[tuple[str, int]]:
        """Tag and ident of each frame, in their order."""
        return list(dict.fromkeys((tag, ident) for kind, tag, ident in self._there if kind in NEEDED))

    def read(self, tag: str, ident: int, detector: Detector) -> Frame:
        """Return a frame, whose channels and ticks must be those of ``detector``."""
        where = f"{self.path}: frame {tag} {ident}"
        missing = [kind for kind in NEEDED if (kind, tag, ident) not in self._there]
        if missing:
            raise ProtoduneError(
                f"{where}: has no {', '.join(f'{kind}_{tag}_{ident}.npy' for kind in missing)}, expected "
                f"{', '.join(NEEDED)} of each; write it again with all tags that are wanted"
            )
        channel = self._array(CHANNELS, tag, ident, ("<i4",), (None,), detector.n_channels)
        _check_channels(channel, detector, where)
        time_ns, tick_ns, first_tick = _checked_ticks(self._array(TICKS, tag, ident, ("<f8",), (3,)), detector, where)
        values = self._array(VALUES, tag, ident, VALUE_TYPES, (len(channel), None))
        if not np.isfinite(values).all():
            raise ProtoduneError(f"{where}: holds NaN or infinity, expected finite values; write it again")
        summary = None
        if (SUMMARY, tag, ident) in self._there:
            summary = self._array(SUMMARY, tag, ident, ("<f8",), (len(channel),))
        return Frame(tag, ident, channel, values, tick_ns, time_ns, first_tick, summary)

    def mask(self, name: str, ident: int) -> np.ndarray:
        """Return a mask of an event, int32 (n, 3): channel, first tick and one past the last; no row without such a mask."""
        if (MASK, name, ident) not in self._there:
            return np.zeros((0, 3), np.int32)
        return self._array(MASK, name, ident, ("<i4",), (None, 3))

    def _array(
        self,
        kind: str,
        tag: str,
        ident: int,
        types: tuple[str, ...],
        shape: tuple[int | None, ...],
        most: int | None = None,
    ) -> np.ndarray:
        return self._file.read(self._there[kind, tag, ident], types, shape, most)


def _check_channels(channel: np.ndarray, detector: Detector, where: str) -> None:
    foreign = channel[(channel < 0) | (channel >= detector.n_channels)]
    if len(foreign):
        raise ProtoduneError(
            f"{where}: channel {foreign[0]}, expected 0 to {detector.n_channels - 1} ({detector.title}); give the frames of "
            "this detector, or mend 'detector' in the sample sheet"
        )
    twice = np.flatnonzero(np.bincount(channel) > 1)
    if len(twice):
        raise ProtoduneError(f"{where}: channel {twice[0]} occurs more than once, expected each once; write it again")


def _checked_ticks(ticks: np.ndarray, detector: Detector, where: str) -> tuple[float, float, int]:
    time_ns, tick_ns, first_tick = ticks.tolist()
    if not abs(tick_ns - detector.tick_ns) < 1e-6 * detector.tick_ns:
        raise ProtoduneError(
            f"{where}: ticks of {tick_ns:g} ns, expected {detector.tick_ns:g} ns ({detector.title}); give the frames of "
            "this detector, not resampled"
        )
    near = abs(time_ns) < _MAX_TICK * detector.tick_ns and abs(first_tick) < _MAX_TICK  # no NaN either
    if not near or first_tick != round(first_tick):
        raise ProtoduneError(
            f"{where}: begins at time {time_ns:g} ns and tick {first_tick:g}, expected a time near the readout and a whole "
            "tick; write it again"
        )
    return time_ns, tick_ns, int(first_tick)
