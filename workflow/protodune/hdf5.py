"""Open the HDF5 files of this project, and no others."""

from __future__ import annotations

from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  (registers the compression filters that every file of ours needs)

from protodune.errors import ProtoduneError
from protodune.files import require_file


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
