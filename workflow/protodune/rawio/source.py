"""Open a raw file, whatever its layout, or say in one sentence why not."""

from __future__ import annotations

import os

import uproot
from uproot.model import DispatchByVersion

from protodune.core.errors import ProtoduneError
from protodune.events.types import RawSource
from protodune.rawio.art import ArtSource
from protodune.rawio.baskets import first_line, guarded
from protodune.rawio.dunedn import DunednSource
from protodune.rawio.flat import FlatSource
from protodune.rawio.remote import AS_IS, Access, is_address, opened


def open_raw(path: str, tag: str | None = None, threads: int = 1, access: Access = AS_IS) -> RawSource:
    """Open a file of raw digits: art, the flat layout of the simulation, or a DUNEdn dump (.npy).

    ``path``: a local path, or a ``root://`` or ``https://`` address.  ``tag``: which digits of an art file, ``module``,
    ``module:instance`` or ``module:instance:process``; needed only where a file holds several.  ``threads``: for unpacking
    the baskets of art files.  ``access``: how the bytes come here.
    """
    if path.endswith(".npy"):
        _check_readable(path, "a DUNEdn dump")
        return DunednSource(path)
    file, kinds = open_root(path, access)
    if "protodune_about" in kinds:
        return FlatSource(path, file)
    if kinds.get("Events") == "TTree":
        return ArtSource(path, file, tag, threads=threads)
    found = ", ".join(f"{name} ({kind})" for name, kind in sorted(kinds.items())) or "nothing"
    raise ProtoduneError(
        f"{path}: found {found}, expected a TTree 'Events' (art) or the protodune flat layout; "
        "give the file that holds the raw digits"
    )


def open_root(path: str, access: Access = AS_IS) -> tuple[uproot.ReadOnlyDirectory, dict[str, str]]:
    """Open a ROOT file; return it with the class of each top-level object by name."""
    if not is_address(path):
        _check_readable(path, "a ROOT file")
        _check_magic(path)
    source = opened(path, access)
    try:
        # Events are read once; a cache would only grow.
        file = uproot.open(source, array_cache=None, custom_classes=_own_classes())
        return file, {key.split(";")[0]: kind for key, kind in file.classnames(recursive=False).items()}
    except ProtoduneError:
        raise
    except Exception as error:  # uproot raises many kinds for a damaged file
        raise ProtoduneError(
            f"{path}: not a readable ROOT file ({type(error).__name__}: {first_line(error)}); "
            "expected an art file or a protodune flat file; check the transfer"
        ) from None


def _own_classes() -> dict[str, type]:
    """Classes for the objects of one file.  Where a file has a version of a class that uproot does not know, uproot makes a
    class of it from the file's own description and keeps it for all files to come; that of a damaged file may be wrong."""
    return {
        name: type(known.__name__, (known,), {"known_versions": dict(known.known_versions)})
        if issubclass(known, DispatchByVersion)
        else known
        for name, known in uproot.classes.items()
    }


PRODUCTS = ("raw::RawDigits_", "sim::SimChannels_", "raw::RDTimeStamps_", "artdaq::Fragments_", "recob::Wires_")


def describe_root(path: str, access: Access = AS_IS) -> list[tuple[str, str]]:
    """Return (name, value) lines about a ROOT file: its objects and, of an art file, the products that matter here."""
    file, kinds = open_root(path, access)
    lines = [("objects", ", ".join(f"{name} ({kind})" for name, kind in sorted(kinds.items())))]
    if kinds.get("Events") != "TTree":
        return lines
    return lines + guarded(f"{path}: tree Events", lambda: _describe_products(file["Events"]))


def _describe_products(tree) -> list[tuple[str, str]]:
    lines = []
    for branch in tree.branches:
        if branch.name.startswith(PRODUCTS):
            parts = [branch, *branch.itervalues(recursive=True)]
            size, packed = sum(p.uncompressed_bytes for p in parts), sum(p.compressed_bytes for p in parts)
            lines.append(("product", f"{branch.name.rstrip('.')}: {size} bytes, {packed} on disk"))
    return lines


def _check_readable(path: str, what: str) -> None:
    if not os.path.isfile(path):
        found = "a folder" if os.path.isdir(path) else "no such file"
        raise ProtoduneError(f"{path}: found {found}, expected {what}; mend 'source' in the sample sheet")
    if not os.access(path, os.R_OK):
        raise ProtoduneError(f"{path}: permission denied; make the file readable")


def _check_magic(path: str) -> None:
    with open(path, "rb") as file:
        magic = file.read(4)
    if magic != b"root":
        found = f"a file that starts with {magic!r}" if magic else "an empty file"
        raise ProtoduneError(f"{path}: found {found}, expected a ROOT file (it starts with b'root'); check the transfer")
