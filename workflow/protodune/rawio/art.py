"""art files as LArSoft writes them: raw::RawDigit and sim::SimChannel decoded from basket bytes.

uproot's ``.array()`` is right for the simple members only: it refuses or misreads fTDCIDEs (memberwise) and EventAuxiliary
(run and event shifted), and takes four times the memory for fADC.  So those three are decoded here.  All numbers in the
byte stream are big-endian; "bc" is a byte count, uint32 with bit 0x40000000 set.
"""

from __future__ import annotations

import numpy as np
import uproot

from protodune.errors import ProtoduneError
from protodune.rawio.digits import stack_digits
from protodune.rawio.events import ChargeTable, RawEvent

DIGITS_PREFIX = "raw::RawDigits_"
SIM_PREFIX = "sim::SimChannels_"
_BYTE_COUNT_BIT = 0x40000000
_IDE_COLUMNS = {11: 6, 12: 7}  # trackID, numElectrons, energy, x, y, z (, origTrackID)


class ArtSource:
    """An art file, split level 99, uncompressed digits."""

    flavour = "art, split 99"

    def __init__(self, path: str, file: uproot.ReadOnlyDirectory, tag: str | None):
        self.path = path
        self._tree = file["Events"]
        self._digits = self._choose(DIGITS_PREFIX, tag, required=True)
        self._sim = self._choose(SIM_PREFIX, None, required=False)
        self.about = {"digits": self._digits, "sim": self._sim, "flavour": self.flavour}
        if self._member(self._digits, "fADC") is None:
            raise ProtoduneError(
                f"{path}: branch {self._digits} is not split into members, expected split level 99; "
                "rewrite the file with art's splitLevel 99"
            )

    def __len__(self) -> int:
        return int(self._tree.num_entries)

    def event_ids(self) -> list[tuple[int, int, int]]:
        """(run, subrun, event) of every entry, from the bytes of EventAuxiliary."""
        return [self._event_id(i) for i in range(len(self))]

    def read(self, index: int) -> RawEvent:
        """Decode one event: digits sorted by channel, SimChannels summed per (channel, tick)."""
        where = f"{self.path}: Events entry {index}"
        run, subrun, event = self._event_id(index)
        channel = self._column("fChannel", index)
        compression = self._column("fCompression", index)
        samples = self._column("fSamples", index)
        pedestal = self._column("fPedestal", index)
        if compression.any():
            raise ProtoduneError(
                f"{where}: branch {self._digits}: found compressed digits (fCompression {int(compression.max())}), "
                "expected uncompressed ones (0); run LArSoft's decoder with compression off"
            )
        waveforms = decode_adc(self._entry(self._member(self._digits, "fADC"), index), f"{where}: {self._digits} fADC")
        if len(waveforms) != len(channel):
            raise ProtoduneError(
                f"{where}: {self._digits}: fADC holds {len(waveforms)} waveforms, fChannel {len(channel)} channels; "
                "the file is damaged"
            )
        lengths = _lengths(waveforms)
        if not np.array_equal(lengths, samples.astype(np.int64)):
            bad = int(np.flatnonzero(lengths != samples.astype(np.int64))[0])
            raise ProtoduneError(
                f"{where}: channel {channel[bad]} has {lengths[bad]} samples, fSamples says {samples[bad]}; "
                "the file is damaged"
            )
        order, adc, n_samples = stack_digits(channel, waveforms, where)
        charge = self._charge(index) if self._sim else None
        return RawEvent(
            run, subrun, event, channel[order].astype(np.uint32), adc, n_samples,
            pedestal[order].astype(np.float32), charge=charge,
        )  # fmt: skip

    def _choose(self, prefix: str, tag: str | None, required: bool) -> str | None:
        found = [b.name for b in self._tree.branches if b.name.startswith(prefix)]
        if not found:
            if not required:
                return None
            raise ProtoduneError(
                f"{self.path}: tree Events has no branch {prefix}*, expected raw digits; "
                "give the file after the decoder or detsim stage"
            )
        chosen = [name for name in found if _matches(name, prefix, tag)] if tag else found
        if len(chosen) == 1:
            return chosen[0]
        if not required and not tag:
            return None
        listed = ", ".join(name.rstrip(".") for name in (chosen or found))
        if not chosen:
            raise ProtoduneError(f"{self.path}: tag '{tag}' matches none of: {listed}; mend 'tag' in the sample sheet")
        raise ProtoduneError(f"{self.path}: found several products: {listed}; set 'tag' of this sample in the sample sheet")

    def _member(self, product: str, member: str):
        for branch in self._tree[product].branches:
            for leaf in branch.branches:
                if leaf.name == f"{product}obj.{member}":
                    return leaf
        return None

    def _column(self, member: str, index: int) -> np.ndarray:
        branch = self._member(self._digits, member)
        return self._guard(branch, index, lambda: branch.array(entry_start=index, entry_stop=index + 1, library="np")[0])

    def _event_id(self, index: int) -> tuple[int, int, int]:
        branch = self._tree["EventAuxiliary"]
        return decode_event_id(self._entry(branch, index), f"{self.path}: Events entry {index}: EventAuxiliary")

    def _entry(self, branch, index: int) -> np.ndarray:
        """Return the bytes (uint8) of one entry of a branch."""

        def fetch() -> np.ndarray:
            bounds = branch.entry_offsets
            number = int(np.searchsorted(bounds, index, side="right")) - 1
            basket = branch.basket(number)
            local = index - bounds[number]
            if basket.byte_offsets is None:
                size = len(basket.data) // (bounds[number + 1] - bounds[number])
                return basket.data[local * size : (local + 1) * size]
            return basket.data[basket.byte_offsets[local] : basket.byte_offsets[local + 1]]

        return self._guard(branch, index, fetch)

    def _guard(self, branch, index: int, action):
        try:
            return action()
        except ProtoduneError:
            raise
        except Exception as error:  # uproot and zlib raise many kinds for damaged baskets
            detail = (str(error).strip().splitlines() or ["no detail"])[0]
            raise ProtoduneError(
                f"{self.path}: Events entry {index}: branch {branch.name} cannot be read "
                f"({type(error).__name__}: {detail}); the file is damaged, copy it again"
            ) from None

    def _charge(self, index: int) -> ChargeTable:
        where = f"{self.path}: Events entry {index}: {self._sim}"
        channel = self._member(self._sim, "fChannel")
        ides = self._member(self._sim, "fTDCIDEs")
        if channel is None or ides is None:
            raise ProtoduneError(f"{where} is not split into members, expected split level 99")
        numbers = self._guard(
            channel, index, lambda: channel.array(entry_start=index, entry_stop=index + 1, library="np")[0]
        )
        return decode_sim_channels(self._entry(ides, index), np.asarray(numbers, dtype=np.uint32), where)


def _matches(name: str, prefix: str, tag: str) -> bool:
    """Whether the branch's module_instance_process fits a tag ``module[:instance[:process]]``."""
    wanted = tag.split(":")
    have = name[len(prefix) :].rstrip(".").split("_")
    return have[: len(wanted)] == wanted


def _lengths(waveforms: np.ndarray | list[np.ndarray]) -> np.ndarray:
    if isinstance(waveforms, np.ndarray):
        return np.full(len(waveforms), waveforms.shape[1], dtype=np.int64)
    return np.array([len(w) for w in waveforms], dtype=np.int64)


def _u4(data: np.ndarray, at: int, where: str) -> int:
    if at + 4 > len(data):
        raise ProtoduneError(f"{where}: ends at byte {len(data)}, expected 4 more at {at}; the file is damaged")
    return int.from_bytes(data[at : at + 4].tobytes(), "big")


def decode_event_id(data: np.ndarray, where: str) -> tuple[int, int, int]:
    """Decode (run, subrun, event) from the bytes of an art::EventAuxiliary, class version 11 or 12.

    Version 11: three nested headers (bc and uint16 version, 18 bytes), then run, subrun, event.  Version 12 puts a Hash
    object in front, skipped by its byte count.
    """
    at = 0
    if not _u4(data, 6, where) & _BYTE_COUNT_BIT:
        at = 4 + (_u4(data, 0, where) & ~_BYTE_COUNT_BIT)
    if not all(_u4(data, at + 6 * k, where) & _BYTE_COUNT_BIT for k in range(3)):
        raise ProtoduneError(f"{where}: unknown layout, expected class version 11 or 12")
    return tuple(_u4(data, at + 18 + 4 * k, where) for k in range(3))


def decode_adc(data: np.ndarray, where: str) -> np.ndarray | list[np.ndarray]:
    """Decode an fADC entry: bc, version (6 bytes), then per channel uint32 n and n int16.

    Returns (channels, ticks) int16 where all lengths agree, else a list of int16 arrays.
    """
    body = data[6:]
    if len(body) == 0:
        return np.zeros((0, 0), dtype=np.int16)
    first = _u4(body, 0, where)
    stride = 4 + 2 * first
    if len(body) % stride == 0:
        table = body.view(">i2").reshape(-1, first + 2)
        counts = np.ascontiguousarray(table[:, :2]).view(">u4")[:, 0]
        if np.all(counts == first):
            return table[:, 2:].astype(np.int16)
    waveforms, at = [], 0
    while at < len(body):
        n = _u4(body, at, where)
        at += 4
        if at + 2 * n > len(body):
            raise ProtoduneError(
                f"{where}: waveform {len(waveforms)} claims {n} samples, only {(len(body) - at) // 2} are left; "
                "the file is damaged"
            )
        waveforms.append(body[at : at + 2 * n].view(">i2").astype(np.int16))
        at += 2 * n
    return waveforms


def decode_sim_channels(data: np.ndarray, channel: np.ndarray, where: str) -> ChargeTable:
    """Decode an fTDCIDEs entry (memberwise) and sum the electrons per (channel, tick).

    12 header bytes; per channel uint32 n and, if n > 0, n uint16 ticks, 6 header bytes (bc, 0x4009), uint16 version of
    sim::IDE and per tick uint32 m and the columns trackID, numElectrons (float32), energy, x, y, z (, origTrackID) of m.
    """
    raw, end = data.tobytes(), len(data)
    at = 12
    out_channel, out_tick, starts, counts = [], [], [], []
    for number in channel.tolist():
        n = _u4(data, at, where)
        at += 4
        if n == 0:
            continue
        if at + 2 * n + 8 > end:
            raise ProtoduneError(
                f"{where}: channel {number} claims {n} ticks, {end - at} bytes are left; the file is damaged"
            )
        ticks = np.frombuffer(raw, dtype=">u2", count=n, offset=at).astype(np.int32)
        at += 2 * n + 6
        version = int.from_bytes(raw[at : at + 2], "big")
        at += 2
        if version not in _IDE_COLUMNS:
            raise ProtoduneError(f"{where}: sim::IDE version {version}, expected 11 or 12")
        size = 4 * _IDE_COLUMNS[version]
        for _ in range(n):
            m = int.from_bytes(raw[at : at + 4], "big")
            at += 4
            if at + size * m > end:
                raise ProtoduneError(f"{where}: channel {number} claims {m} IDEs beyond the end; the file is damaged")
            starts.append(at + 4 * m)  # the numElectrons column follows the trackID column
            counts.append(m)
            at += size * m
        out_channel.append(np.full(n, number, dtype=np.uint32))
        out_tick.append(ticks)
    if not out_channel:
        empty = np.zeros(0)
        return ChargeTable(empty.astype(np.uint32), empty.astype(np.int32), empty.astype(np.float32))
    return _sum_electrons(raw, np.concatenate(out_channel), np.concatenate(out_tick), np.array(starts), np.array(counts))


def _sum_electrons(raw: bytes, channel: np.ndarray, tick: np.ndarray, starts: np.ndarray, counts: np.ndarray) -> ChargeTable:
    """Gather the float32 columns that begin at byte ``starts`` (``counts`` values each) and sum each column."""
    owner = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    at = starts[owner] + 4 * within
    buffer = np.frombuffer(raw, dtype=np.uint8)
    values = buffer[at[:, None] + np.arange(4)].view(">f4")[:, 0].astype(np.float64)
    electrons = np.bincount(owner, weights=values, minlength=len(counts)).astype(np.float32)
    return ChargeTable(channel, tick, electrons)
