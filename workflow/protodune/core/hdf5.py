"""Create and open the HDF5 files of this project, and no others."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  (registers the compression filters that every file of ours needs)

from protodune.core.errors import ProtoduneError
from protodune.core.files import atomic_path, require_file


@contextlib.contextmanager
def create_hdf5(target: str | Path) -> Iterator[h5py.File]:
    """Create an HDF5 file that appears whole or not at all; a full disk is one sentence."""
    _quieten_failed_writes()
    with atomic_path(target) as temporary, h5py.File(temporary, "w", libver="latest") as file:
        yield file


def _quieten_failed_writes() -> None:
    """Keep h5py from printing a traceback for every object of a file that could not be written.

    When a write fails the error itself is raised and reported; but HDF5 cannot close the objects of that file either, and
    h5py prints each failure, since a destructor cannot raise.
    """
    if getattr(sys.unraisablehook, "quietens_hdf5", False):
        return
    old_unraisable, old_except = sys.unraisablehook, sys.excepthook

    def unraisable(problem) -> None:
        if "file write failed" not in str(problem.exc_value):
            old_unraisable(problem)

    def uncaught(kind, value, trace) -> None:
        if "file write failed" not in str(value):
            old_except(kind, value, trace)

    unraisable.quietens_hdf5 = True
    sys.unraisablehook, sys.excepthook = unraisable, uncaught


def open_checked(path: str | Path, wanted: str, version: int, stage: str) -> h5py.File:
    """Open an HDF5 file of this project for reading, or say what it is instead and which stage makes it."""
    require_file(path, f"a {wanted} file", f"run the stage '{stage}'")
    try:
        file = h5py.File(path, "r")
    except OSError:
        raise ProtoduneError(f"{path}: not an HDF5 file, expected a {wanted} file; run the stage '{stage}' again") from None
    found = (file.attrs.get("format"), int(file.attrs.get("format_version", -1)))
    if found != (wanted, version):
        file.close()
        raise ProtoduneError(
            f"{path}: found format {found[0]} version {found[1]}, expected {wanted} version {version}; "
            f"run the stage '{stage}' again"
        )
    return file
