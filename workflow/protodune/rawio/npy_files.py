"""Files of npy arrays one after the other: tar, plain or compressed, and npz.

Bytes are unpacked here, piece by piece: a size that a file claims is compared with a limit and with what the reader expects
before memory is asked for it, and nothing is unpickled.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import math
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from protodune.core.errors import ProtoduneError, shown
from protodune.core.files import atomic_path, require_file
from protodune.rawio.baskets import guarded

MAX_MEMBER_BYTES = 2**30
MAX_MEMBERS = 1_000_000
_XZ_MEMORY = 2**28
_BLOCK = 1 << 20
_PACKED_BLOCK = 1 << 16
_TAR_BLOCK = 512
_MAX_NPY_HEADER = 4096
_HINT = "write it again, or copy it again"


class _Inflate:
    """zlib with the interface of the other decompressors; with gzip's head and checksum."""

    def __init__(self):
        self._zlib = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


_UNPACK: dict[str, Callable | None] = {
    ".tar": None,
    ".tar.gz": _Inflate,
    ".tgz": _Inflate,
    ".tar.bz2": bz2.BZ2Decompressor,
    ".tar.xz": lambda: lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY),
}
SUFFIXES = (*_UNPACK, ".npz")
"""Ends of the names of such files, which say what they are."""


def suffix_of(path: str | Path) -> str:
    """Return which of ``SUFFIXES`` a path ends with; a ProtoduneError if none."""
    found = next((s for s in SUFFIXES if Path(path).name.endswith(s)), None)
    if found is None:
        raise ProtoduneError(
            f"{path}: the end of its name says none of {' '.join(SUFFIXES)}, expected one; pack it so, or rename it"
        )
    return found


@contextlib.contextmanager
def create_npy_file(path: str | Path) -> Iterator[Callable[[str, np.ndarray], None]]:
    """Create a file that appears whole or not at all; yields a function that appends an array under a name.

    The same arrays give the same bytes.  An npz is not compressed.
    """
    suffix = suffix_of(path)
    with atomic_path(path) as temporary, contextlib.ExitStack() as stack:
        if suffix == ".npz":
            archive = stack.enter_context(zipfile.ZipFile(temporary, "w"))
            yield lambda name, array: archive.writestr(zipfile.ZipInfo(name), _npy_bytes(array))
            return
        stream = stack.enter_context(open(temporary, "wb"))
        tar = stack.enter_context(_open_tar(stack.enter_context(_packing(stream, suffix))))

        def append(name: str, array: np.ndarray) -> None:
            content, info = _npy_bytes(array), tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))

        yield append


def _open_tar(stream: BinaryIO) -> tarfile.TarFile:
    return tarfile.open(fileobj=stream, mode="w|", format=tarfile.USTAR_FORMAT)


def _packing(stream: BinaryIO, suffix: str) -> contextlib.AbstractContextManager:
    if suffix in (".tar.gz", ".tgz"):
        return gzip.GzipFile("", "wb", 1, stream, mtime=0)
    if suffix == ".tar.bz2":
        return bz2.BZ2File(stream, "wb", compresslevel=1)
    return lzma.LZMAFile(stream, "wb", preset=0) if suffix == ".tar.xz" else contextlib.nullcontext(stream)


def _npy_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


class _Unpacked:
    """The unpacked bytes of a compressed file; it goes forward, and begins again to go back."""

    def __init__(self, file: BinaryIO, start: Callable):
        self._file, self._start = file, start
        self._begin()

    def _begin(self) -> None:
        self._file.seek(0)
        self._decompressor, self._position = self._start(), 0

    def seek(self, position: int) -> None:
        """Go to a position, or to the end if that comes first."""
        if position < self._position:
            self._begin()
        while self._position < position and self._more(position - self._position):
            pass

    def read(self, size: int) -> bytes:
        """Return ``size`` bytes, fewer only at the end."""
        parts, left = [], size
        while left and (part := self._more(left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _more(self, most: int) -> bytes:
        """Return at least one byte and at most ``most``; none at the end."""
        while True:
            if self._decompressor.eof:  # another stream may follow
                data = self._decompressor.unused_data or self._file.read(_PACKED_BLOCK)
                if not data:
                    return b""
                self._decompressor = self._start()
            else:
                data = self._file.read(_PACKED_BLOCK) if self._decompressor.needs_input else b""
            found = self._decompressor.decompress(data, min(most, _BLOCK))
            if found:
                self._position += len(found)
                return found
            if not (data or self._decompressor.eof) and self._decompressor.needs_input:
                raise EOFError("the compressed stream has no end")


@dataclass(frozen=True)
class _Header:
    """Type and shape of an array, whether Fortran has its order, and the length of the header itself in bytes."""

    dtype: np.dtype
    shape: tuple[int, ...]
    fortran: bool
    length: int


class NpyFile:
    """Reads arrays of such a file by name, folders left out; a context manager.

    A compressed tar is unpacked once when it is opened, so that damage shows at once, and once more while members are read
    in their order; reading one before the last begins again.
    """

    def __init__(self, path: str | Path, what: str = "a file of arrays"):
        self.path = str(path)
        require_file(path, what, "mend its path, or make it first")
        self._suffix, self._stack = suffix_of(path), contextlib.ExitStack()
        try:
            self._members = guarded(self.path, self._open)
        except ProtoduneError:
            self._stack.close()
            raise

    def __enter__(self) -> NpyFile:
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def names(self) -> list[str]:
        """Names of the members, in their order."""
        return list(self._members)

    def read(self, name: str, types: Sequence[str], shape: tuple[int | None, ...], most: int | None = None) -> np.ndarray:
        """Return the array ``name``; it must have one of the ``types`` (as ``<f4``) and the ``shape``, None in it: any, with
        at most ``most`` rows (None: any number).

        Type and shape are compared, and with them the size in bytes, before the array is read.
        """
        where = f"{self.path}: {name}"
        return guarded(where, lambda: self._read(name, types, shape, most, where))

    def _read(
        self, name: str, types: Sequence[str], shape: tuple[int | None, ...], most: int | None, where: str
    ) -> np.ndarray:
        stream, size = self._member(name)
        header = _read_header(stream, size)
        fits = len(header.shape) == len(shape) and all(w in (None, n) for n, w in zip(header.shape, shape, strict=True))
        if header.dtype.str not in types or not fits:
            wanted = ", ".join("any" if n is None else str(n) for n in shape)
            raise ProtoduneError(
                f"{where}: found {header.dtype.str} of shape {header.shape}, expected {' or '.join(types)} of shape "
                f"({wanted}); {_HINT}"
            )
        if most is not None and header.shape[0] > most:
            raise ProtoduneError(f"{where}: found {header.shape[0]} rows, expected at most {most}; {_HINT}")
        n_bytes = math.prod(header.shape) * header.dtype.itemsize
        if n_bytes != size - header.length:
            raise ValueError(f"{size - header.length} bytes behind its header, which asks for {n_bytes}")
        content = stream.read(n_bytes)
        if len(content) != n_bytes or (
            self._suffix == ".npz" and stream.read(1)
        ):  # the end of a zip's member has a checksum
            raise ValueError(f"{len(content)} bytes, expected {n_bytes}")
        return np.frombuffer(content, header.dtype).reshape(header.shape, order="F" if header.fortran else "C")

    def _open(self) -> dict:
        file = self._stack.enter_context(Path(self.path).open("rb"))  # noqa: SIM115  (the stack closes it)
        if self._suffix == ".npz":
            self._archive = self._stack.enter_context(zipfile.ZipFile(file))
            return _once((info.filename, _checked_info(info)) for info in self._archive.infolist() if not info.is_dir())
        start = _UNPACK[self._suffix]
        self._stream = file if start is None else _Unpacked(file, start)
        return _once(_tar_members(self._stream))

    def _member(self, name: str) -> tuple[BinaryIO, int]:
        """A stream at the begin of a member, and the member's bytes."""
        if self._suffix == ".npz":
            info = self._members[name]
            return self._archive.open(info), info.file_size
        position, size = self._members[name]
        self._stream.seek(position)
        return self._stream, size


def _once(members: Iterator[tuple[str, object]]) -> dict:
    """Members by name without their folders; each name once."""
    found: dict = {}
    for path, place in members:
        name = path.rpartition("/")[2]
        if name in found:
            raise ValueError(f"two members called {shown(name)}, expected one")
        if len(found) == MAX_MEMBERS:
            raise ValueError(f"more than {MAX_MEMBERS} members")
        found[name] = place
    return found


def _checked_info(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"member {shown(info.filename)} is encrypted or not packed by deflate")
    _check_size(info.filename, info.file_size)
    return info


def _check_size(name: str, size: int) -> None:
    if size > MAX_MEMBER_BYTES:
        raise ValueError(f"member {shown(name)} of {size} bytes, expected at most {MAX_MEMBER_BYTES}")


def _tar_members(stream: BinaryIO) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield name, and position and size in bytes, of the files of a tar, to its very end."""
    position = 0
    while (block := stream.read(_TAR_BLOCK)) != bytes(_TAR_BLOCK):
        if len(block) < _TAR_BLOCK:
            raise EOFError("the tar has no end")
        position += _TAR_BLOCK
        name, size, kind = _tar_header(block)
        if kind in b"0\0":
            _check_size(name, size)
            yield name, (position, size)
        elif kind not in b"xg5":  # attributes of files, folders
            raise ValueError(f"member {shown(name)} of type {kind!r}, expected a file")
        position += -(-size // _TAR_BLOCK) * _TAR_BLOCK
        stream.seek(position)
    while rest := stream.read(_BLOCK):
        if rest.count(0) != len(rest):
            raise ValueError("bytes behind the end of the tar; join tars by tar --concatenate")


def _tar_header(block: bytes) -> tuple[str, int, bytes]:
    """Name, size and type of a member of a tar."""
    if sum(block) - sum(block[148:156]) + 8 * ord(" ") != _octal(block[148:156]):
        raise ValueError("the checksum of a member's header is wrong")
    return block[:100].partition(b"\0")[0].decode("ascii", "replace"), _octal(block[124:136]), block[156:157]


def _octal(field: bytes) -> int:
    return int(field.strip(b" \0") or b"0", 8)


def _read_header(stream: BinaryIO, size: int) -> _Header:
    """Read the header of an npy array of ``size`` bytes in all."""
    magic = stream.read(8)
    if len(magic) < 8 or magic[:6] != b"\x93NUMPY" or magic[6:] not in (b"\1\0", b"\2\0"):
        raise ValueError(f"begins with {magic!r}, expected an npy array of version 1 or 2")
    counted = stream.read(2 * magic[6])
    length = int.from_bytes(counted, "little")
    if length > min(_MAX_NPY_HEADER, size):
        raise ValueError(f"a header of {length} bytes in {size}")
    text = stream.read(length)
    read = np.lib.format.read_array_header_1_0 if magic[6] == 1 else np.lib.format.read_array_header_2_0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shape, fortran, dtype = read(io.BytesIO(counted + text), max_header_size=_MAX_NPY_HEADER)
    if dtype.hasobject or any(n < 0 for n in shape):
        raise ValueError(f"{dtype} of shape {shape}, expected plain numbers")
    return _Header(dtype, shape, fortran, len(magic) + len(counted) + len(text))
