"""The bytes of single entries of a branch, straight from its baskets.

uproot finds the baskets; their payload is decompressed here, block by block, on several threads where asked for, and with
igzip (package isal) where it is installed, which inflates at twice zlib's speed.  Sizes are checked before anything is
allocated: a damaged count must not ask for gigabytes.  What a file says twice is compared: where a basket lies, how large it
is, of which branch and how many entries it holds stand in its own key and in the branch's table.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import uproot

from protodune.core.errors import ProtoduneError
from protodune.rawio.parallel import for_each

try:
    from isal import isal_zlib

    _inflate: Callable[[bytes], bytes] = isal_zlib.decompress
except ImportError:  # no wheel for this processor
    _inflate = zlib.decompress

_BLOCK_HEADER = 9
_KEY = struct.Struct(">iHiIHH")  # the begin of a TKey: size, version, size unpacked, time, size of the key, cycle
_TAIL = struct.Struct(">HiiiiB")  # the end of a TBasket's key: version, buffer size, nev size, nev, last, flag
_LARGE_FILE_VERSION = 1000  # keys of larger versions have 8-byte positions
_LONGEST_KEY = 2048
_MAX_DEFLATE_RATIO = 1032
MAX_BASKET_BYTES = 2**30

T = TypeVar("T")


@dataclass(frozen=True)
class BasketKey:
    """The key of a TBasket: sizes in bytes, where it lies in the file, and what it says of its entries.

    ``n_bytes``: key and packed payload; ``n_object``: payload unpacked; ``n_key``: the key; ``cycle``: its number in the
    branch of the file that it was first written to; ``nev``: entries; ``last``: end of the entries, counted with the key;
    ``nev_size``: bytes of an entry where all have the same size.
    """

    n_bytes: int
    n_object: int
    n_key: int
    cycle: int
    position: int
    class_name: bytes
    name: bytes
    nev_size: int
    nev: int
    last: int

    @classmethod
    def of(cls, raw: np.ndarray, stored: int | None = None) -> BasketKey:
        """Read the key at the begin of a basket's bytes, uint8; ``stored``: bytes of the basket, if ``raw`` is not all."""
        stored = len(raw) if stored is None else stored
        head = raw[: _KEY.size].tobytes()
        if len(head) < _KEY.size:
            raise ValueError(f"{len(head)} bytes, too few for a key")
        n_bytes, version, n_object, _, n_key, cycle = _KEY.unpack(head)
        if (
            not _KEY.size + _TAIL.size < n_key <= n_bytes <= stored
            or n_key > len(raw)
            or not 0 <= n_object <= MAX_BASKET_BYTES
        ):
            raise ValueError(f"impossible key ({n_bytes} bytes, {n_object} unpacked, key {n_key})")
        size = 8 if version > _LARGE_FILE_VERSION else 4
        text = raw[_KEY.size : n_key - _TAIL.size].tobytes()
        class_name, at = _string(text, 2 * size)  # positions of the basket and of its folder
        name, _ = _string(text, at)
        _, _, nev_size, nev, last, _ = _TAIL.unpack(raw[n_key - _TAIL.size : n_key].tobytes())
        position = int.from_bytes(text[:size], "big")
        return cls(n_bytes, n_object, n_key, cycle, position, class_name, name, nev_size, nev, last)


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    """Read a TString at a position; return it and the position behind it."""
    size, at = (data[at] if at < len(data) else 0), at + 1
    if size == 255:
        size, at = int.from_bytes(data[at : at + 4], "big"), at + 4
    return data[at : at + size], at + size


class EntryReader:
    """Entries of one branch as uint8 arrays; the last basket is kept, since neighbours often share one.

    ``entries``: how many the tree has; the branch must have as many.
    """

    def __init__(self, branch, entries: int, threads: int = 1):
        self._branch, self._threads = branch, threads
        self._bounds = np.asarray(branch.entry_offsets, dtype=np.int64)
        self._number, self._basket = -1, (np.zeros(0, np.uint8), None)
        counted = {int(branch.member("fEntries")), int(branch.member("fEntryNumber")), int(self._bounds[-1])}
        if counted != {entries} or self._bounds[0] != 0 or np.any(np.diff(self._bounds) < 0):
            raise ValueError(f"{' or '.join(map(str, sorted(counted)))} entries in the branch, {entries} in the tree")

    def entry(self, index: int) -> np.ndarray:
        """Return the bytes of one entry."""
        if not 0 <= index < self._bounds[-1]:
            raise ValueError(f"entry {index} is in none of the baskets, which hold {int(self._bounds[-1])}")
        number = int(np.searchsorted(self._bounds, index, side="right")) - 1
        (data, offsets), local = self._of_basket(number), index - int(self._bounds[number])
        if offsets is None:
            size = len(data) // self._count(number)
            return data[local * size : (local + 1) * size]
        return data[int(offsets[local]) : int(offsets[local + 1])]

    def column(self, start: int, stop: int, kind: np.dtype, waveforms: bool = False) -> np.ndarray:
        """Return entries ``start`` to ``stop`` of a branch of plain numbers of dtype ``kind``: one per entry, shape (stop -
        start,), or with ``waveforms`` an array per entry, shape (stop - start, length)."""
        parts = []
        for number in range(len(self._bounds) - 1):
            first, end = int(self._bounds[number]), int(self._bounds[number + 1])
            if max(first, start) < min(end, stop):  # uproot writes baskets without entries, too
                data, offsets = self._of_basket(number)
                if offsets is not None or not (waveforms or len(data) == kind.itemsize * (end - first)):
                    raise ValueError(f"basket {number}: {len(data)} bytes for {end - first} entries of {kind}")
                rows = data.view(kind).reshape((end - first, -1) if waveforms else -1)
                parts.append(rows[max(start - first, 0) : stop - first])
        return np.concatenate(parts) if parts else np.zeros((0, 0) if waveforms else 0, kind)

    def _count(self, number: int) -> int:
        return int(self._bounds[number + 1] - self._bounds[number])

    def _of_basket(self, number: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Payload of a basket, uint8, and where its entries begin and the last ends (None: all have the same size)."""
        if number != self._number:
            self._basket = (np.zeros(0, np.uint8), None)  # free it before the next one comes
            self._number = -1
            data, offsets = self._load(number)
            count = self._count(number)
            if offsets is None and len(data) % count:
                raise ValueError(f"basket {number}: {len(data)} bytes for {count} entries of equal size")
            if offsets is not None:
                ends = (len(offsets), int(offsets[0]), int(offsets[-1]))
                if ends != (count + 1, 0, len(data)) or np.any(np.diff(offsets) < 0):
                    raise ValueError(f"basket {number}: entries do not follow each other in {len(data)} bytes")
            self._number, self._basket = number, (data, offsets)
        return self._basket

    def _load(self, number: int) -> tuple[np.ndarray, np.ndarray | None]:
        if number >= self._branch._num_normal_baskets:  # embedded in the tree's own record: small, uproot has it
            basket = self._branch.basket(number)
            if basket.num_entries != self._count(number):
                raise ValueError(f"basket {number}: {basket.num_entries} entries, {self._count(number)} in the table")
            return np.asarray(basket.data).view(np.uint8), basket.byte_offsets
        chunk, _ = self._branch.basket_chunk_cursor(number)
        raw = np.asarray(chunk.raw_data).view(np.uint8)
        key = BasketKey.of(raw)
        self._compare(key, number)
        data = inflate_blocks(raw[key.n_key : key.n_bytes], key.n_object, self._threads)
        border = key.last - key.n_key
        if border == len(data):
            if key.nev_size * key.nev != border:
                raise ValueError(f"basket {number}: {border} bytes for {key.nev} entries of {key.nev_size} bytes")
            return data, None
        if not 0 <= border <= len(data):
            raise ValueError(f"basket {number}: entries end at byte {border} of {len(data)}")
        # Behind the entries: their number + 1, where each begins (counted with the key), and one more number.
        table = data[border:][: (len(data) - border) // 4 * 4].view(">i4").astype(np.int64)
        if len(table) < key.nev + 2 or table[0] != key.nev + 1:
            raise ValueError(f"basket {number}: no table of {key.nev} entries behind byte {border}")
        return data[:border], np.append(table[1 : key.nev + 1], key.last) - key.n_key

    def _compare(self, key: BasketKey, number: int) -> None:
        """Compare what the key says of itself with the branch's table.

        A cycle may be smaller than the number: merged files keep those of their parts.
        """
        member = self._branch.member
        said = {
            "position": (key.position, int(member("fBasketSeek")[number])),
            "bytes": (key.n_bytes, int(member("fBasketBytes")[number])),
            "entries": (key.nev, self._count(number)),
            "class": (key.class_name, b"TBasket"),
            "branch": (key.name, self._branch.name.encode()),
        }
        for what, (found, expected) in said.items():
            if found != expected:
                raise ValueError(f"basket {number}: {what} {found} by its key, {expected} by the table of its branch")
        if key.cycle > number:
            raise ValueError(f"basket {number}: written as basket {key.cycle}")


def check_name(branch) -> None:
    """Compare the name of a branch with that in its first basket: a damaged name makes a member or a product look absent.

    What is wrong with the basket itself shows where it is read, and is the loss of its events alone.
    """
    if branch._num_normal_baskets == 0:
        return
    start, size = int(branch.member("fBasketSeek")[0]), int(branch.member("fBasketBytes")[0])
    try:
        chunk = branch.tree.file.chunk(start, start + min(size, _LONGEST_KEY))
        key = BasketKey.of(np.asarray(chunk.raw_data).view(np.uint8), size)
    except Exception:  # uproot raises many kinds where nothing can be read
        return
    if key.class_name == b"TBasket" and key.name != branch.name.encode(errors="surrogateescape"):
        raise ValueError(f"branch {branch.name!r} is {key.name} in its first basket")


def inflate_blocks(packed: np.ndarray, n_object: int, threads: int = 1) -> np.ndarray:
    """Unpack ROOT's compressed blocks into one array of ``n_object`` bytes, uint8; a stored payload comes back as it is.

    Each block: 2 letters, 1 byte method, 3 bytes packed and 3 bytes unpacked size, little-endian; at most 16 MB unpacked.
    """
    if len(packed) == n_object:
        return packed
    blocks, at, filled = [], 0, 0
    while at < len(packed) and filled < n_object:
        head = packed[at : at + _BLOCK_HEADER].tobytes()
        if len(head) < _BLOCK_HEADER:
            raise ValueError("a compressed block ends in its header")
        n_packed, n_plain = int.from_bytes(head[3:6], "little"), int.from_bytes(head[6:9], "little")
        start = at + _BLOCK_HEADER
        if start + n_packed > len(packed):
            raise ValueError(f"a compressed block claims {n_packed} bytes, {len(packed) - start} are left")
        if head[:2] == b"ZL" and n_plain > _MAX_DEFLATE_RATIO * n_packed + 64:
            raise ValueError(f"a block of {n_packed} bytes claims to unpack to {n_plain}")
        blocks.append((head[:2], start, start + n_packed, filled, n_plain))
        at, filled = start + n_packed, filled + n_plain
    if filled != n_object:
        raise ValueError(f"compressed blocks unpack to {filled} bytes, the key says {n_object}")
    target = np.empty(n_object, np.uint8)

    def unpack(block: tuple[bytes, int, int, int, int]) -> None:
        kind, start, stop, first, size = block
        packed_block = packed[start - _BLOCK_HEADER : stop]
        plain = _inflate(packed_block[_BLOCK_HEADER:].data) if kind == b"ZL" else _other(packed_block, size)
        if len(plain) != size:
            raise ValueError(f"a block unpacks to {len(plain)} bytes, its header says {size}")
        target[first : first + size] = np.frombuffer(plain, np.uint8)

    for_each(unpack, blocks, threads)
    return target


def _other(block: np.ndarray, size: int) -> bytes:
    """Unpack LZ4, ZSTD or LZMA by uproot."""
    chunk = uproot.source.chunk.Chunk.wrap(None, block)
    plain = uproot.compression.decompress(chunk, uproot.source.cursor.Cursor(0), {}, len(block), size)
    return np.asarray(plain.raw_data).tobytes()


def first_line(error: BaseException) -> str:
    """The first line of an exception's text."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else "no detail"


def damaged(where: str, error: BaseException) -> ProtoduneError:
    """The error for bytes that cannot be read."""
    return ProtoduneError(
        f"{where} cannot be read ({type(error).__name__}: {first_line(error)}); the file is damaged, copy it again"
    )


def guarded(where: str, action: Callable[[], T]) -> T:
    """Run an action; whatever a damaged file makes uproot, zlib or numpy raise becomes one sentence."""
    try:
        return action()
    except ProtoduneError:
        raise
    except Exception as error:
        raise damaged(where, error) from None
