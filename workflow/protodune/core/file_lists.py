"""One name for many files: a pattern, ``/data/run5387/*.root``, or a list, ``@files.txt``."""

from __future__ import annotations

import glob
import os
from pathlib import PurePosixPath

from protodune.core.errors import ProtoduneError
from protodune.core.files import read_text

LIST = "@"
"""What begins so names a text file that lists the files."""


def is_address(name: str) -> bool:
    """Whether a name is an address, ``root://...``, and no path on this machine."""
    return "://" in name


def names_many(name: str) -> bool:
    """Whether a name stands for many files; that of a file that is there stands for this file."""
    if name.startswith(LIST):
        return True
    return not is_address(name) and glob.has_magic(name) and not os.path.isfile(name)


def expand(name: str) -> list[str]:
    """Return the files that a pattern matches, sorted, or that a list names, in its order; none is a ProtoduneError.

    What a list names may be missing: whoever reads the files says so of each.
    """
    if name.startswith(LIST):
        found = read_list(name.removeprefix(LIST))
        if not found:
            raise ProtoduneError(f"{name}: the list is empty, expected a file or an address in each line; add them")
        return found
    found = sorted(path for path in glob.glob(name, recursive=True) if not os.path.isdir(path))
    odd = next((path for path in found if not path.isprintable()), None)
    if odd is not None:
        raise ProtoduneError(f"{name}: matches {odd!r}, expected names of printable characters; rename the file")
    if not found:
        raise ProtoduneError(f"{name}: no file matches, expected one or more; mend the pattern")
    return found


def read_list(path: str) -> list[str]:
    """Return the files that a text file lists: one per line, ``#`` begins a comment, and what stands behind a tab is none of
    the name."""
    return [name for name, _ in _lines(path)]


def read_checksums(path: str) -> dict[str, str]:
    """Return the checksums that stand behind a tab in a list of files, by file."""
    return {name: checksum for name, checksum in _lines(path) if checksum}


def _lines(path: str) -> list[tuple[str, str]]:
    found = []
    for line in read_text(path, "a list of files", "give another list").splitlines():
        name, _, checksum = line.split("#")[0].strip().partition("\t")
        if name.strip():
            found.append((name.strip(), checksum.strip()))
    return found


def name_of(source: str) -> str:
    """Return the name under which the products of a file appear: its own, without folder and suffix."""
    return PurePosixPath(source.partition("?")[0] if is_address(source) else source).stem
