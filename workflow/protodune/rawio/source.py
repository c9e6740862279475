"""Open a raw file, whatever its layout, or say in one sentence why not."""

from __future__ import annotations

import os

import uproot

from protodune.errors import ProtoduneError
from protodune.rawio.art import ArtSource
from protodune.rawio.events import RawSource
from protodune.rawio.flat import FlatSource


def open_raw(path: str, tag: str | None = None) -> RawSource:
    """Open a ROOT file of raw digits.

    ``path``: a local path, or a ``root://`` or ``https://`` address that uproot can open.  ``tag``: which digits of an art
    file, ``module``, ``module:instance`` or ``module:instance:process``; needed only where a file holds several.
    """
    if "://" not in path:
        _check_local(path)
    try:
        file = uproot.open(path)
        kinds = {key.split(";")[0]: kind for key, kind in file.classnames(recursive=False).items()}
    except ImportError as error:
        raise ProtoduneError(f"{path}: this kind of address needs a further package: {error}") from None
    except Exception as error:  # uproot raises many kinds for a damaged file
        raise ProtoduneError(
            f"{path}: not a readable ROOT file ({type(error).__name__}: {_first_line(error)}); "
            "expected an art file or a protodune flat file; check the transfer"
        ) from None
    if "protodune_about" in kinds:
        return FlatSource(path, file)
    if kinds.get("Events") == "TTree":
        return ArtSource(path, file, tag)
    found = ", ".join(f"{name} ({kind})" for name, kind in sorted(kinds.items())) or "nothing"
    raise ProtoduneError(
        f"{path}: found {found}, expected a TTree 'Events' (art) or the protodune flat layout; "
        "give the file that holds the raw digits"
    )


def _check_local(path: str) -> None:
    if not os.path.isfile(path):
        found = "a folder" if os.path.isdir(path) else "no such file"
        raise ProtoduneError(f"{path}: found {found}, expected a ROOT file; mend 'source' in the sample sheet")
    if not os.access(path, os.R_OK):
        raise ProtoduneError(f"{path}: permission denied; make the file readable")
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        magic = file.read(4)
    if magic != b"root":
        found = "an empty file" if size == 0 else f"a file that starts with {magic!r}"
        raise ProtoduneError(f"{path}: found {found}, expected a ROOT file (it starts with b'root'); check the transfer")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "no detail"
