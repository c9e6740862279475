"""Sources that lie elsewhere: bytes of a ``root://`` or ``https://`` address with retries, or a copy of the whole file.

fsspec finds the implementation of an address: fsspec-xrootd, aiohttp.  A request that fails is made again after a while; a
source that does not come back is lost, which is another thing than a damaged one: ``SourceLostError`` ends what reads it.
"""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import re
import shutil
import tempfile
import time
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO, TypeVar

from protodune.core.errors import ProtoduneError, SourceLostError, shown
from protodune.core.file_lists import is_address

_BLOCK = 8 << 20
_PACKAGES = {"root": "fsspec-xrootd", "roots": "fsspec-xrootd", "https": "aiohttp", "http": "aiohttp"}
_ADLER32 = re.compile(r"[0-9a-f]{8}")
# What a server says for good, by its number in the protocol: not authorised, not found, a folder, not let in.
_FOR_GOOD = re.compile(r"\[(3010|3011|3016|3030)\]")
# The client of XRootD would wait for half an hour by itself; how long, and how often, is said by Access.
_CLIENT = {"CONNECTIONRETRY": 1, "STREAMERRORWINDOW": 0, "TIMEOUTRESOLUTION": 1}

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Access:
    """How sources are read.  Nothing of it changes what is read.

    ``tries``: how often a request is made before a source counts as lost; ``wait_s``: seconds before the second of them,
    doubled before each further one; ``timeout_s``: seconds without an answer after which a request has failed;
    ``stage_in``: copy the whole file first, into the folder ``scratch`` (None: $TMPDIR); ``adler32``: what the file must
    have, eight hexadecimal digits.
    """

    tries: int = 4
    wait_s: float = 2.0
    timeout_s: float = 60.0
    stage_in: bool = False
    scratch: str | None = None
    adler32: str | None = None

    def __post_init__(self):
        if self.tries < 1:
            raise ProtoduneError(f"tries: found {self.tries}, expected 1 or more")
        if not self.wait_s >= 0:
            raise ProtoduneError(f"wait: found {self.wait_s} s, expected 0 or more")
        if not self.timeout_s >= 1:
            raise ProtoduneError(f"timeout: found {self.timeout_s} s, expected 1 or more")
        if self.adler32 is not None:
            check_adler32(self.adler32, "adler32")

    def of(self, adler32: str | None) -> Access:
        """The same access to a file that has this checksum."""
        return replace(self, adler32=adler32 or None)


AS_IS = Access()


def check_adler32(text: str, where: str) -> str:
    """Return a checksum as it stands in a sheet or a list, in lower case."""
    if not _ADLER32.fullmatch(text.lower()):
        raise ProtoduneError(f"{where}: found {shown(text)}, expected an adler32, eight hexadecimal digits")
    return text.lower()


def opened(path: str, access: Access = AS_IS) -> str | BinaryIO:
    """Return what uproot opens for a source: a path as it is, or a file object of an address or of a copy.

    A checksum that is expected is compared: with what was copied; of an address that is not copied, with what its server
    says; of a local file, with its content.
    """
    if access.stage_in:
        return stage_in(path, access)
    if not is_address(path):
        if access.adler32:
            _compare(path, _adler32_of(path), access.adler32)
        return path
    file = RemoteFile(path, access)
    if access.adler32:
        said = file.checksum()
        if said is None:
            raise ProtoduneError(
                f"{path}: its server tells no adler32, expected {access.adler32}; use --stage-in, which computes it"
            )
        _compare(path, said, access.adler32)
    return file


def stage_in(path: str, access: Access) -> BinaryIO:
    """Copy a whole file into a temporary one without a name, which is gone when it is closed, however the process ends.

    Its size is compared with that of the source, its adler32 with the expected one and with that of the server.
    """
    folder = access.scratch or tempfile.gettempdir()
    source = RemoteFile(path, access) if is_address(path) else open(path, "rb")  # noqa: SIM115
    with source:
        size = source.size if isinstance(source, RemoteFile) else os.fstat(source.fileno()).st_size
        copy = _unnamed(folder, size, path)
        adler = 1
        try:
            while block := source.read(_BLOCK):
                adler = zlib.adler32(block, adler)
                copy.write(block)
            copy.flush()
        except OSError as error:
            copy.close()
            where = f"{folder}: " if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
            raise ProtoduneError(
                f"{path}: cannot be copied ({where}{error.strerror or error}); nothing was left behind"
            ) from None
        except BaseException:
            copy.close()
            raise
        said = source.checksum() if isinstance(source, RemoteFile) else None
    found = f"{adler:08x}"
    for expected in (said, access.adler32):
        if expected is not None:
            _compare(path, found, expected)
    if copy.tell() != size:
        raise ProtoduneError(f"{path}: copied {copy.tell()} bytes, its size is {size}; is it still being written?")
    log.info("%s: copied to %s, %d bytes, adler32 %s%s", path, folder, size, found, "" if said else " (compared with none)")
    copy.seek(0)
    return copy


def state(path: str, access: Access = AS_IS) -> tuple[int, int | str]:
    """Size in bytes and time of the last change of an address, as its server says; the time as text where it has none."""
    about = _Requests(path, access).make(lambda fs, name: fs.info(name))
    return int(about.get("size") or 0), about.get("mtime", "")


class _Requests:
    """Requests to the server of one address, each with retries; after it was lost, none is made any more."""

    def __init__(self, path: str, access: Access):
        self.path, self._access = path, access
        self._lost: SourceLostError | None = None
        self._fs, self._name = _filesystem(path, access)

    def make(self, request: Callable[..., T]) -> T:
        """Return what a request gives, ``request(filesystem, name)``."""
        if self._lost:
            raise self._lost
        started = time.monotonic()
        for attempt in range(self._access.tries):
            if attempt:
                time.sleep(self._access.wait_s * 2 ** (attempt - 1))
                with contextlib.suppress(Exception):  # a handle that is broken cannot be closed, either
                    self._fs.invalidate_cache(self._name)
            try:
                return request(self._fs, self._name)
            except Exception as error:  # fsspec's implementations raise many kinds
                cause = " ".join(str(error).split()) or type(error).__name__
                if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError) or _FOR_GOOD.search(cause):
                    raise ProtoduneError(f"{self.path}: cannot be opened ({cause}); mend its address") from None
                log.warning("%s: try %d of %d failed: %s", self.path, attempt + 1, self._access.tries, cause)
        self._lost = SourceLostError(
            f"{self.path}: no answer in {self._access.tries} tries and {time.monotonic() - started:.0f} s ({cause}); "
            "give the same command again when its server is back"
        )
        raise self._lost


class RemoteFile(io.RawIOBase):
    """The bytes of an address as a file that can be read and sought."""

    def __init__(self, path: str, access: Access = AS_IS):
        super().__init__()
        self._requests, self._at = _Requests(path, access), 0
        about = self._requests.make(lambda fs, name: fs.info(name))
        if about.get("type") == "directory" or about.get("size") is None:
            raise ProtoduneError(f"{path}: found {about.get('type', 'no size')}, expected a file; mend its address")
        self.size = int(about["size"])

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def seekable(self) -> bool:
        """Whether it can be sought: yes."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position in bytes, counted from begin, here or end; return it."""
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence])
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Return the next ``size`` bytes, fewer at the end; all that are left where it is negative."""
        start = min(self._at, self.size)
        stop = self.size if size is None or size < 0 else min(start + size, self.size)
        if start == stop:
            return b""

        def request(fs, name: str) -> bytes:
            data = bytes(fs.cat_file(name, start=start, end=stop))
            if len(data) != stop - start:
                raise OSError(f"{len(data)} bytes came at byte {start}, expected {stop - start}")
            return data

        data = self._requests.make(request)
        self._at = stop
        return data

    def checksum(self) -> str | None:
        """Return the adler32 that the server has of the whole file, None if it tells none."""
        with contextlib.suppress(Exception):  # one try: many servers have none, and it is no error
            algorithm, found = self._requests._fs.checksum(self._requests._name)
            if algorithm == "adler32":
                return found.lower().rjust(8, "0")
        return None


def _filesystem(path: str, access: Access):
    """Return fsspec's file system of an address, and the name of the file in it."""
    import fsspec  # a tenth of a second, for addresses only

    for name, value in _CLIENT.items():  # read once, when the client is loaded; what the user set stays
        os.environ.setdefault(f"XRD_{name}", str(value))
    os.environ.setdefault("XRD_CONNECTIONWINDOW", str(int(access.timeout_s)))
    os.environ.setdefault("XRD_REQUESTTIMEOUT", str(int(access.timeout_s)))
    # At the end of the process the client looks at all objects, deprecated ones of torch too.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"XRootD\.client\.finalize")
    scheme = path.split("://")[0]
    options = {"timeout": int(access.timeout_s)} if scheme in ("root", "roots") else {}
    try:
        return fsspec.core.url_to_fs(path, **options)
    except ImportError as error:
        package = _PACKAGES.get(scheme, "an fsspec implementation")
        raise ProtoduneError(
            f"{path}: {scheme}:// needs a further package ({str(error).splitlines()[0]}); pip install {package}, or copy "
            "the file here"
        ) from None
    except ValueError as error:
        raise ProtoduneError(f"{path}: no address that can be read ({error}); expected root://host//path") from None


def _unnamed(folder: str, size: int, path: str) -> BinaryIO:
    """Open a temporary file without a name in a folder with room for so many bytes."""
    try:
        free = shutil.disk_usage(folder).free
        if free < size:
            raise ProtoduneError(f"{folder}: {free} bytes are free, {path} has {size}; make room, or give another --scratch")
        return tempfile.TemporaryFile(dir=folder)
    except OSError as error:
        raise ProtoduneError(f"{folder}: cannot hold a copy ({error.strerror}); give another --scratch") from None


def _adler32_of(path: str) -> str:
    adler = 1
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            adler = zlib.adler32(block, adler)
    return f"{adler:08x}"


def _compare(path: str, found: str, expected: str) -> None:
    if found != expected:
        raise ProtoduneError(
            f"{path}: adler32 {found}, expected {expected}; the file is another one or damaged, copy it again"
        )
