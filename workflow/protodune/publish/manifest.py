"""The manifest of a run: every product with its checksum, and what made it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import h5py

from protodune.core.errors import ProtoduneError
from protodune.core.files import checksum, require_file

FORMAT = "protodune-manifest"
FORMAT_VERSION = 1
NO_PRODUCTS = ("logs", "benchmarks", "checkpoints", "manifest.json")
"""What lies below results/ and is no product."""


def products(results: Path) -> Iterator[Path]:
    """Yield all products below ``results``, sorted; hidden files and unfinished products of methods are none."""
    for path in sorted(results.rglob("*")):
        parts = path.relative_to(results).parts
        hidden = any(part.startswith(".") or part.endswith(".parts") for part in parts)
        if path.is_file() and parts[0] not in NO_PRODUCTS and not hidden:
            yield path


def describe(path: Path) -> dict:
    """Return size and checksum of a product, and of HDF5 files what they say of their making: settings, seeds, versions,
    sources."""
    entry: dict = {"bytes": path.stat().st_size, "sha256": checksum(path)}
    if path.suffix == ".h5":
        with h5py.File(path, "r") as file:
            entry["about"] = json.loads(file.attrs.get("about", "{}"))
    return entry


def make_manifest(results: Path, about: dict) -> dict:
    """Return the manifest of all products below ``results``; ``about``: settings, versions, samples."""
    files = {path.relative_to(results).as_posix(): describe(path) for path in products(results)}
    return {"format": FORMAT, "format_version": FORMAT_VERSION, **about, "products": files}


def read_manifest(path: str | Path) -> dict:
    """Read a manifest, or say what the file is instead."""
    require_file(path, "a manifest", "run `snakemake paper` first")
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        found = (content.get("format"), content.get("format_version"))
    except (ValueError, AttributeError):
        raise ProtoduneError(f"{path}: no JSON object, expected a manifest; run `snakemake paper` again") from None
    if found != (FORMAT, FORMAT_VERSION):
        raise ProtoduneError(
            f"{path}: found format {found[0]} version {found[1]}, expected {FORMAT} version {FORMAT_VERSION}; "
            "run `snakemake paper` again"
        )
    return content


def differences(manifest: dict, results: Path) -> dict[str, list[str]]:
    """Return the products that are missing, changed, or not in the manifest, by these words."""
    listed = manifest["products"]
    there = {path.relative_to(results).as_posix(): path for path in products(results)}
    changed = [
        name
        for name, entry in listed.items()
        if name in there and (there[name].stat().st_size != entry["bytes"] or checksum(there[name]) != entry["sha256"])
    ]
    return {
        "missing": sorted(set(listed) - set(there)),
        "changed": sorted(changed),
        "not in the manifest": sorted(set(there) - set(listed)),
    }
