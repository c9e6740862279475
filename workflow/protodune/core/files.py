"""Files appear whole or not at all."""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from protodune.core.errors import ProtoduneError

_BLOCK = 1 << 20


@contextlib.contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """Yield a temporary neighbour of ``target``; rename it on success, remove it on any failure.

    The neighbour keeps the suffix of the target, since writers choose the format by it.
    """
    target = Path(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProtoduneError(f"{target}: cannot make its folder ({error.strerror}); choose a writable folder") from None
    temporary = target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
    try:
        yield temporary
        os.replace(temporary, target)
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(temporary), temporary, str(target), target):
            raise  # of another file
        raise ProtoduneError(f"{target}: cannot be written ({os.strerror(error.errno)}); nothing was left behind") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(target: str | Path, text: str) -> None:
    """Write a text file atomically (UTF-8)."""
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_text(path: str | Path, what: str, hint: str) -> str:
    """Return the text of a UTF-8 file, with or without a byte-order mark; what is no such text is refused in words.

    ``what`` the file should be and ``hint``, what to do, stand in the message.
    """
    content = require_file(path, what, hint).read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ProtoduneError(f"{path}: found UTF-16 text, expected {what} in UTF-8; save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProtoduneError(
            f"{path}: byte {error.start} ({content[error.start]:#04x}) is no UTF-8 text, expected {what} in UTF-8; {hint}"
        ) from None
    if "\0" in text:
        raise ProtoduneError(f"{path}: found a binary file, expected {what} in UTF-8; {hint}")
    return text


def require_file(path: str | Path, what: str, hint: str) -> Path:
    """Return ``path`` if it is a readable file, else raise a ProtoduneError that says ``what`` is missing."""
    path = Path(path)
    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing"
        raise ProtoduneError(f"{path}: found {found}, expected {what}; {hint}")
    if not os.access(path, os.R_OK):
        raise ProtoduneError(f"{path}: permission denied, expected {what} that can be read; {hint}")
    return path


def checksum(path: str | Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def int8_path(weights: str | Path) -> Path:
    """Return where the INT8 file of a network's weights lies: beside them."""
    return Path(weights).with_suffix(".int8.onnx")
