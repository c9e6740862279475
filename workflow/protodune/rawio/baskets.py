"""The bytes of single entries of a branch, straight from its baskets.

uproot finds the baskets; their payload is decompressed here, block by block, on several threads where asked for, and with
igzip (package isal) where it is installed, which inflates at twice zlib's speed.  Sizes are checked before anything is
allocated: a damaged count must not ask for gigabytes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

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
_TAIL = struct.Struct(">HiiiiB")  # the end of a TBasket's key: version, buffer size, nev size, nev, last, flag
_MAX_DEFLATE_RATIO = 1032
MAX_BASKET_BYTES = 2**30


class EntryReader:
    """Entries of one branch as uint8 arrays; the last basket is kept, since neighbours often share one."""

    def __init__(self, branch, threads: int = 1):
        self._branch, self._threads = branch, threads
        self._bounds = np.asarray(branch.entry_offsets, dtype=np.int64)
        self._number, self._basket = -1, (np.zeros(0, np.uint8), None)

    def entry(self, index: int) -> np.ndarray:
        """Return the bytes of one entry."""
        if not 0 <= index < self._bounds[-1]:
            raise ValueError(f"entry {index} is in none of the baskets, which hold {int(self._bounds[-1])}")
        number = int(np.searchsorted(self._bounds, index, side="right")) - 1
        if number != self._number:
            self._basket = (np.zeros(0, np.uint8), None)  # free it before the next one comes
            self._basket = self._load(number)
            self._number = number
        data, offsets = self._basket
        local, count = index - int(self._bounds[number]), int(self._bounds[number + 1] - self._bounds[number])
        if offsets is None:
            if len(data) % count:
                raise ValueError(f"basket {number}: {len(data)} bytes for {count} entries of equal size")
            size = len(data) // count
            return data[local * size : (local + 1) * size]
        start, stop = int(offsets[local]), int(offsets[local + 1])
        if not 0 <= start <= stop <= len(data):
            raise ValueError(f"basket {number}: entry {local} at bytes {start} to {stop} of {len(data)}")
        return data[start:stop]

    def _load(self, number: int) -> tuple[np.ndarray, np.ndarray | None]:
        if number >= self._branch._num_normal_baskets:  # embedded in the tree's own record: small, uproot has it
            basket = self._branch.basket(number)
            return np.asarray(basket.data).view(np.uint8), basket.byte_offsets
        key = self._branch.basket_key(number)
        chunk, _ = self._branch.basket_chunk_cursor(number)
        raw = np.asarray(chunk.raw_data).view(np.uint8)
        n_bytes, n_object, n_key = key.fNbytes, key.fObjlen, key.fKeylen
        if not 0 < n_key <= n_bytes <= len(raw) or not 0 <= n_object <= MAX_BASKET_BYTES or n_key < _TAIL.size:
            raise ValueError(f"basket {number}: impossible key ({n_bytes} bytes, {n_object} unpacked, key {n_key})")
        last = _TAIL.unpack(raw[n_key - _TAIL.size : n_key].tobytes())[4]
        data = inflate_blocks(raw[n_key:n_bytes], n_object, self._threads)
        border = last - n_key
        if not 0 <= border <= len(data):
            raise ValueError(f"basket {number}: entries end at byte {border} of {len(data)}")
        if border == len(data):
            return data, None
        offsets = data[border:][: (len(data) - border) // 4 * 4].view(">i4")[1:].astype(np.int64)
        count = int(self._bounds[number + 1] - self._bounds[number])
        if len(offsets) < count:
            raise ValueError(f"basket {number}: {len(offsets)} offsets for {count} entries")
        offsets = np.append(offsets[:count], last) - n_key
        return data[:border], offsets


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
