"""art files as art and LArSoft write them: split levels 99, 1 and 0, all codecs, classes from 2018 on.

uproot's ``.array()`` refuses or misreads fTDCIDEs (memberwise), unsplit products and EventAuxiliary (run and event shifted),
and takes four times the memory for fADC.  So entries are taken as bytes (``baskets``) and decoded here (``art_bytes``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import uproot

from protodune.core.errors import ProtoduneError
from protodune.events.types import ChargeTable, RawEvent
from protodune.rawio.art_bytes import (
    Digits,
    decode_adc,
    decode_digits,
    decode_event_id,
    decode_sim_channels,
    empty_charge,
    empty_digits,
)
from protodune.rawio.baskets import EntryReader, check_name, guarded
from protodune.rawio.codecs import NAMES, decode_event
from protodune.rawio.digits import sorting_order, stack_digits

DIGITS_PREFIX = "raw::RawDigits_"
SIM_PREFIX = "sim::SimChannels_"
TIME_PREFIX = "raw::RDTimeStamps_"
FRAGMENTS_PREFIX = "artdaq::Fragments_"
CLASSES = ("raw::RawDigit", "sim::SimChannel", "raw::RDTimeStamp")
"""In the name of a branch and in its class: what is damaged in one is seen in the other."""

log = logging.getLogger(__name__)

ID_MEMBERS = ("id_.subRun_.run_.run_", "id_.subRun_.subRun_", "id_.event_")
"""Branches of run, subrun and event of an EventAuxiliary that is split."""

T = TypeVar("T")


class Product:
    """One product of the tree: where its bytes are, by split level (99: a branch a member; 1: ``obj``; 0: all in one)."""

    def __init__(self, branch, entries: int, threads: int):
        self.name: str = branch.name
        children = {child.name.removeprefix(self.name): child for child in branch.branches}
        whole = children.get("obj")
        members = {leaf.name.removeprefix(f"{self.name}obj."): leaf for leaf in whole.branches} if whole is not None else {}
        self.split = 99 if members else (1 if whole is not None else 0)
        self._branches = members or {"obj": whole if whole is not None else branch}
        if "present" in children:
            self._branches["present"] = children["present"]
        self._readers = {name: EntryReader(leaf, entries, threads) for name, leaf in self._branches.items()}

    def has(self, member: str) -> bool:
        """Whether a member has a branch of its own."""
        return member in self._branches

    def bytes(self, index: int, member: str = "obj") -> np.ndarray:
        """The bytes of one entry of a member's branch."""
        return self._readers[member].entry(index)

    def present(self, index: int) -> bool:
        """Whether the product was put into the event (always true where that is not recorded apart)."""
        return "present" not in self._readers or bool(self.bytes(index, "present")[0])


class EventIds:
    """(run, subrun, event) of the entries: EventAuxiliary as art writes it, or split into members as ROOT may write it."""

    def __init__(self, branch, entries: int):
        leaves = {leaf.name.removeprefix(f"{branch.name}."): leaf for leaf in branch.itervalues(recursive=True)}
        whole = leaves.get("id_", None if leaves else branch)  # a member EventID has the same bytes
        self._whole = EntryReader(whole, entries) if whole is not None and not whole.branches else None
        missing = [name for name in ID_MEMBERS if name not in leaves] if self._whole is None else []
        if missing:
            raise ProtoduneError(f"{branch.name} is split, but has no branch {', '.join(missing)}; unknown layout")
        self._members = [EntryReader(leaves[name], entries) for name in ID_MEMBERS] if self._whole is None else []

    def of(self, index: int, where: str) -> tuple[int, int, int]:
        """The ids of one entry."""
        if self._whole is not None:
            return decode_event_id(self._whole.entry(index), where)
        return tuple(int(reader.column(index, index + 1, np.dtype(">u4"))[0]) for reader in self._members)


class ArtSource:
    """An art file; see ``source.open_raw``."""

    def __init__(
        self,
        path: str,
        file: uproot.ReadOnlyDirectory,
        tag: str | None = None,
        *,
        threads: int = 1,
    ):
        self.path, self._threads = path, threads
        self._tree = self._guarded("tree Events", lambda: file["Events"])
        names = self._guarded("branches of tree Events", lambda: {b.name: b for b in self._tree.branches})
        self._guarded("tree Events", lambda: _check_names(self._tree))
        self._size = int(self._tree.num_entries)
        self._seen_codecs: set[int] = set()
        self._digits = self._product(names, DIGITS_PREFIX, tag, required=True)
        if "EventAuxiliary" not in names:
            raise ProtoduneError(f"{path}: tree Events has no branch EventAuxiliary; expected an art file")
        self._ids = self._guarded("EventAuxiliary", lambda: EventIds(names["EventAuxiliary"], self._size))
        self._sim = self._product(names, SIM_PREFIX, None, required=False)
        self._time = self._product(names, TIME_PREFIX, None, required=False)
        self.flavour = f"art, split {self._digits.split}"
        self.about = {"flavour": self.flavour, "digits": self._digits.name}
        self.about |= {key: p.name for key, p in (("sim", self._sim), ("time", self._time)) if p is not None}

    def __len__(self) -> int:
        return self._size

    def event_id(self, index: int) -> tuple[int, int, int]:
        """(run, subrun, event) of one entry, from the bytes of EventAuxiliary."""
        where = self._where(index, "EventAuxiliary")
        return self._guarded(where, lambda: self._ids.of(index, where))

    def read(self, index: int, truth: bool = True) -> RawEvent:
        """Decode one event: digits unpacked and sorted by channel, SimChannels (the ``truth``) summed per (channel,
        tick)."""
        ids = self.event_id(index)
        where = self._where(index, f"branch {self._digits.name}")
        digits = self._guarded(where, lambda: self._read_digits(index, where))
        n = len(digits.waveforms)
        for name in ("channel", "samples", "pedestal", "compression"):
            if len(getattr(digits, name)) != n:
                raise ProtoduneError(
                    f"{where}: {n} waveforms, but {len(getattr(digits, name))} values of {name}; the file is damaged"
                )
        waveforms, samples = digits.waveforms, digits.samples.astype(np.int64)
        self._seen_codecs |= set(np.unique(digits.compression).tolist())
        names = (NAMES[c] if 0 <= c < len(NAMES) else str(c) for c in sorted(self._seen_codecs))
        self.about["compression"] = ", ".join(names)
        if digits.compression.any():
            # As LArSoft's raw::Uncompress(adc, uncompressed, int(pedestal), compression).
            pedestal = np.trunc(np.clip(np.nan_to_num(digits.pedestal), -32768, 32767))
            waveforms = decode_event(waveforms, digits.compression.astype(np.int64), samples, where, pedestal)
        order = sorting_order(digits.channel, where)
        adc, n_ticks = stack_digits(waveforms, order, self._threads)
        wrong = np.flatnonzero(n_ticks != samples[order])
        if wrong.size:
            raise ProtoduneError(
                f"{where}: channel {digits.channel[order][wrong[0]]} has {n_ticks[wrong[0]]} ticks, fSamples says "
                f"{samples[order][wrong[0]]}; the file is damaged"
            )
        channel = digits.channel[order].astype(np.uint32)
        pedestal = digits.pedestal[order].astype(np.float32)
        charge = self._read_charge(index) if truth else None
        return RawEvent(*ids, channel, adc, n_ticks, pedestal, charge=charge, timestamp=self._read_time(index))

    def _read_digits(self, index: int, where: str) -> Digits:
        product = self._digits
        if not product.present(index):
            return empty_digits()
        if product.split != 99:
            return decode_digits(product.bytes(index), where, wrapped=product.split == 0)
        samples = product.bytes(index, "fSamples")
        channel = product.bytes(index, "fChannel").view(">u4")
        return Digits(
            decode_adc(product.bytes(index, "fADC"), where),
            channel,
            # uint64 since class version 15, uint16 before
            samples.view(">u8" if len(samples) == 8 * len(channel) else ">u2"),
            product.bytes(index, "fPedestal").view(">f4"),
            product.bytes(index, "fCompression").view(">i4"),
        )

    def _read_charge(self, index: int) -> ChargeTable | None:
        product = self._sim
        if product is None:
            return None
        where = self._where(index, f"branch {product.name}")

        def decode() -> ChargeTable:
            if not product.present(index):
                return empty_charge()
            if product.split != 99:
                return decode_sim_channels(product.bytes(index), where, wrapped=product.split == 0)
            channel = product.bytes(index, "fChannel").view(">u4")
            return decode_sim_channels(product.bytes(index, "fTDCIDEs"), where, channel)

        return self._guarded(where, decode)

    def _read_time(self, index: int) -> int:
        """The first digit's readout time, where the file has split time stamps."""
        product = self._time
        if product is None or not product.has("fTimeStamp"):
            return 0

        def decode() -> int:
            stamps = product.bytes(index, "fTimeStamp").view(">u8")
            return int(stamps[0]) if len(stamps) else 0

        return self._guarded(self._where(index, f"branch {product.name}"), decode)

    def _product(self, branches: dict, prefix: str, tag: str | None, required: bool) -> Product | None:
        found = [name for name in branches if name.startswith(prefix)]
        if not found and not required:
            return None
        if not found:
            fragments = [name.rstrip(".") for name in branches if name.startswith(FRAGMENTS_PREFIX)]
            seen = f", but DAQ fragments {', '.join(fragments)}" if fragments else ""
            raise ProtoduneError(
                f"{self.path}: tree Events has no branch {prefix}*{seen}; expected raw digits; "
                "give the file after the decoder (PDSPTPCRawDecoder) or detsim stage"
            )
        chosen = [name for name in found if matches(name, prefix, tag)] if tag else found
        if len(chosen) == 1:
            return self._guarded(f"branch {chosen[0]}", lambda: Product(branches[chosen[0]], self._size, self._threads))
        if not required:
            log.warning("%s: has %d products %s*, read without them, as none can be chosen", self.path, len(found), prefix)
            return None
        listed = ", ".join(name.rstrip(".") for name in (chosen or found))
        if not chosen:
            raise ProtoduneError(f"{self.path}: tag '{tag}' matches none of: {listed}; mend 'tag' in the sample sheet")
        raise ProtoduneError(f"{self.path}: found several products: {listed}; set 'tag' of this sample in the sample sheet")

    def _where(self, index: int, what: str) -> str:
        return f"{self.path}: tree Events, entry {index}: {what}"

    def _guarded(self, where: str, action: Callable[[], T]) -> T:
        return guarded(where if where.startswith(self.path) else f"{self.path}: {where}", action)


def _check_names(tree) -> None:
    for branch in tree.branches:
        said = branch.name + (branch.member("fClassName") if branch.has_member("fClassName") else "")
        if any(kind in said for kind in CLASSES):
            for leaf in (branch, *branch.itervalues(recursive=True)):
                check_name(leaf)


def matches(name: str, prefix: str, tag: str) -> bool:
    """Whether a branch's module_instance_process fits a tag ``module[:instance[:process]]``."""
    wanted = tag.split(":")
    have = name[len(prefix) :].rstrip(".").split("_")
    return have[: len(wanted)] == wanted
