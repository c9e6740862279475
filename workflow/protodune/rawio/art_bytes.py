"""art's classes from their bytes: raw::RawDigit, sim::SimChannel, raw::RDTimeStamp, art::EventAuxiliary.

All numbers are big-endian; "bc" is a byte count, uint32 with bit 0x40000000 set.  Every count is checked against the bytes
that are left before anything is allocated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protodune.core.errors import ProtoduneError
from protodune.events.types import ChargeTable

_BYTE_COUNT_BIT = 0x40000000
_MEMBERWISE_BIT = 0x4000
# Sizes of the nested ids: a version and a number each.
_RUN_ID_BYTES, _SUBRUN_ID_BYTES, _EVENT_ID_BYTES = 6, 16, 26
_DIGIT_BYTES = {24: ">u8", 18: ">u2"}  # members of a digit beside fADC, and how fSamples is stored then
_IDE_COLUMNS = {11: 6, 12: 7}  # trackID, numElectrons, energy, x, y, z (, origTrackID)


class Cursor:
    """Walks over the bytes of an entry; every step is checked."""

    def __init__(self, data: np.ndarray, where: str):
        self.data, self.where, self.at = data, where, 0

    @property
    def left(self) -> int:
        """Bytes that are left."""
        return len(self.data) - self.at

    def take(self, n_bytes: int, what: str) -> np.ndarray:
        """Return the next ``n_bytes`` bytes."""
        if n_bytes > self.left:
            raise ProtoduneError(
                f"{self.where}: {what} needs {n_bytes} bytes at byte {self.at}, {self.left} are left; the file is damaged"
            )
        self.at += n_bytes
        return self.data[self.at - n_bytes : self.at]

    def number(self, n_bytes: int, what: str) -> int:
        """Return the next unsigned integer."""
        return int.from_bytes(self.take(n_bytes, what).tobytes(), "big")

    def column(self, kind: str, count: int, what: str) -> np.ndarray:
        """Return the next ``count`` numbers of a big-endian dtype."""
        return self.take(np.dtype(kind).itemsize * count, what).view(kind)

    def end(self, what: str, padding: int = 0) -> None:
        """Fail if more bytes than a ``padding`` are left."""
        if self.left > padding:
            raise ProtoduneError(f"{self.where}: {self.left} bytes behind {what}; the file is damaged")

    def to_the_end(self, what: str) -> None:
        """Read a byte count that must cover all bytes that are left."""
        size = self.byte_count(what)
        if size != self.left:
            raise ProtoduneError(f"{self.where}: {what} claims {size} bytes, {self.left} are left; the file is damaged")

    def byte_count(self, what: str) -> int:
        """Read a byte count, or fail if its bit is not set."""
        value = self.number(4, what)
        if not value & _BYTE_COUNT_BIT:
            raise ProtoduneError(
                f"{self.where}: found {value:#x} where {what} begins, expected a byte count; unknown layout"
            )
        return value & ~_BYTE_COUNT_BIT

    def vector_header(self, what: str) -> int:
        """Read the head of a vector of objects (bc, version, class version or checksum); return the class version or 0."""
        self.byte_count(what)
        if not self.number(2, what) & _MEMBERWISE_BIT:
            return 0
        version = self.number(2, what)
        if version == 0:
            self.number(4, what)  # a checksum instead
        return version


@dataclass
class Digits:
    """raw::RawDigit columns of one event, in file order; ``waveforms`` (n, samples) int16, or a list of int16 arrays."""

    waveforms: np.ndarray | list[np.ndarray]
    channel: np.ndarray
    samples: np.ndarray
    pedestal: np.ndarray
    compression: np.ndarray


def decode_event_id(data: np.ndarray, where: str) -> tuple[int, int, int]:
    """Decode (run, subrun, event) from an art::EventAuxiliary, class version 11 or 12.

    Version 11: three nested headers (bc and uint16 version, 18 bytes), then run, subrun, event.  Version 12 puts a Hash
    object in front, skipped by its byte count.
    """
    cursor = Cursor(data, where)
    size = cursor.byte_count("EventID")
    if size != _EVENT_ID_BYTES:
        cursor.take(size, "Hash")
        cursor.byte_count("EventID")
    cursor.number(2, "version")
    for what, expected in (("SubRunID", _SUBRUN_ID_BYTES), ("RunID", _RUN_ID_BYTES)):
        if cursor.byte_count(what) != expected:
            raise ProtoduneError(f"{where}: unknown layout at {what}, expected art::EventAuxiliary version 11 or 12")
        cursor.number(2, "version")
    return tuple(cursor.number(4, what) for what in ("run", "subrun", "event"))


def decode_adc(data: np.ndarray, where: str) -> np.ndarray | list[np.ndarray]:
    """Decode the fADC entry of a split branch: bc and version (6 bytes), then per channel uint32 n and n int16.

    Returns big-endian views: (channels, ticks) where all lengths agree, else a list.
    """
    cursor = Cursor(data, where)
    if len(data) > 0:
        cursor.to_the_end("fADC")
        cursor.number(2, "version of fADC")
    return _waveforms(cursor, None)


def decode_digits(data: np.ndarray, where: str, wrapped: bool = False) -> Digits:
    """Decode a whole vector of raw::RawDigit (split level 1; 0 with ``wrapped``), class versions 12 to 15."""
    cursor = Cursor(data, where)
    if wrapped and not _unwrap(cursor):
        return empty_digits()
    version = cursor.vector_header("vector of raw::RawDigit")
    n = cursor.number(4, "number of digits")
    if n == 0:  # ROOT writes no members then
        cursor.end("a vector of no digits", padding=min(_DIGIT_BYTES) - 1)
        return empty_digits()
    cursor.byte_count("fADC")
    cursor.number(2, "version of fADC")
    waveforms = _waveforms(cursor, n)
    if cursor.left % n == 0 and cursor.left // n in _DIGIT_BYTES:
        samples_kind = _DIGIT_BYTES[cursor.left // n]
    else:
        raise ProtoduneError(
            f"{where}: {cursor.left} bytes for the members of {n} digits (class version {version}), expected 24 or 18 each; "
            "the file is damaged or of a class version that is not known"
        )
    return Digits(
        waveforms,
        channel=cursor.column(">u4", n, "fChannel"),
        samples=cursor.column(samples_kind, n, "fSamples"),
        pedestal=cursor.column(">f4", n, "fPedestal"),
        compression=(cursor.take(4 * n, "fSigma"), cursor.column(">i4", n, "fCompression"))[1],
    )


def empty_digits() -> Digits:
    """No digits."""
    none = np.zeros(0, np.int64)
    return Digits(np.zeros((0, 0), np.int16), none, none, none, none)


def _unwrap(cursor: Cursor) -> bool:
    """Skip the head of an unsplit art::Wrapper; return whether the product is present."""
    cursor.take(cursor.byte_count("EDProduct"), "EDProduct")
    present = bool(cursor.number(1, "present"))
    cursor.number(4, "rangeSetID")
    return present


def _waveforms(cursor: Cursor, count: int | None) -> np.ndarray | list[np.ndarray]:
    """Read ``count`` waveforms (all that are left, if None)."""
    if count == 0 or (count is None and cursor.left == 0):
        return np.zeros((0, 0), np.int16)
    if count is not None and count > cursor.left // 4:
        raise ProtoduneError(f"{cursor.where}: claims {count} digits in {cursor.left} bytes; the file is damaged")
    start = cursor.at
    first = cursor.number(4, "length of a waveform")
    cursor.at = start
    stride = 4 + 2 * first
    n = cursor.left // stride if count is None else count
    fits = cursor.left == n * stride if count is None else cursor.left >= n * stride
    if n and fits:
        table = cursor.data[start : start + n * stride].view(">i2").reshape(n, first + 2)
        if np.all(np.ascontiguousarray(table[:, :2]).view(">u4") == first):
            cursor.at += n * stride
            return table[:, 2:]
    waveforms: list[np.ndarray] = []
    while cursor.left > 0 if count is None else len(waveforms) < count:
        n = cursor.number(4, "length of a waveform")
        waveforms.append(cursor.column(">i2", n, f"waveform {len(waveforms)} of {n} samples"))
    return waveforms


def decode_sim_channels(
    data: np.ndarray, where: str, channel: np.ndarray | None = None, wrapped: bool = False
) -> ChargeTable:
    """Decode sim::SimChannels and sum the electrons per (channel, tick).

    With ``channel`` the data are the fTDCIDEs of a split branch, else the whole vector (split level 1; 0 with ``wrapped``).
    fTDCIDEs: bc, 0x4009, pair version or checksum; per channel uint32 n and, if n > 0, n uint16 ticks, bc, 0x4009, uint16
    version of sim::IDE and per tick uint32 m and the columns trackID, numElectrons, energy, x, y, z (, origTrackID) of m.
    """
    cursor = Cursor(data, where)
    if channel is None:
        if wrapped and not _unwrap(cursor):
            return empty_charge()
        cursor.vector_header("vector of sim::SimChannel")
        channel = cursor.column(">u4", cursor.number(4, "number of SimChannels"), "fChannel")
    if len(channel) == 0:
        return empty_charge()
    cursor.vector_header("fTDCIDEs")
    raw, end = data.tobytes(), len(data)
    out_channel, out_tick, starts, counts = [], [], [], []
    for number in channel.tolist():
        n = cursor.number(4, "number of ticks")
        if n == 0:
            continue
        out_tick.append(cursor.column(">u2", n, f"channel {number}: {n} ticks").astype(np.int32))
        out_channel.append(np.full(n, number, dtype=np.uint32))
        version = cursor.vector_header("vector of sim::IDE")
        if version not in _IDE_COLUMNS:
            raise ProtoduneError(f"{where}: sim::IDE version {version}, expected 11 or 12")
        size, at = 4 * _IDE_COLUMNS[version], cursor.at
        for _ in range(n):
            m = int.from_bytes(raw[at : at + 4], "big")
            at += 4
            if at + size * m > end:
                raise ProtoduneError(f"{where}: channel {number} claims {m} IDEs beyond the end; the file is damaged")
            starts.append(at)
            counts.append(m)
            at += size * m
        cursor.at = at
    cursor.end("the last of the IDEs")
    if not out_channel:
        return empty_charge()
    return _sum_electrons(
        data, np.concatenate(out_channel), np.concatenate(out_tick), np.array(starts), np.array(counts, dtype=np.int64)
    )


def empty_charge() -> ChargeTable:
    """No charge."""
    return ChargeTable(np.zeros(0, np.uint32), np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.int32))


def _sum_electrons(
    data: np.ndarray, channel: np.ndarray, tick: np.ndarray, starts: np.ndarray, counts: np.ndarray
) -> ChargeTable:
    """Sum the electrons of each tick and take the track of its largest contribution; columns begin at byte ``starts``."""
    owner = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    within = np.arange(len(owner)) - np.repeat(first, counts)
    at = np.repeat(starts, counts) + 4 * within
    track = _gather(data, at, ">i4").astype(np.int32)
    electrons = _gather(data, at + 4 * np.repeat(counts, counts), ">f4").astype(np.float64)
    total = np.bincount(owner, weights=electrons, minlength=len(counts)).astype(np.float32)
    largest = np.zeros(len(counts), np.int32)
    order = np.lexsort((electrons, owner))  # the last of each owner is its largest
    filled = counts > 0  # a tick may have no IDE: the file has no charge there
    largest[filled] = track[order][(first + counts - 1)[filled]]
    return ChargeTable(channel[filled], tick[filled], total[filled], largest[filled])


def _gather(data: np.ndarray, at: np.ndarray, kind: str) -> np.ndarray:
    """Return the 4-byte numbers at byte positions ``at``."""
    return np.ascontiguousarray(data[at[:, None] + np.arange(4)]).view(kind)[:, 0]
