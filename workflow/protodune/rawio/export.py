"""Products back to ROOT, so that the LArSoft side can take them up (docs/data_format.md)."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import awkward
import numpy as np
import uproot

from protodune.core.errors import ProtoduneError
from protodune.core.files import atomic_path
from protodune.core.provenance import versions
from protodune.detector.model import Plane
from protodune.events.products import Products
from protodune.events.regions import from_runs, runs
from protodune.events.store import EventStore
from protodune.events.truth import region_ticks

LAYOUT, LAYOUT_VERSION = "protodune-denoised", 5
WAVEFORMS, CHARGE, REGIONS, LARGE = "denoised", "charge", "regions", "denoised_runs"
"""Trees: waveforms, the charge of regions, the regions that the method itself finds, and runs of large denoised values."""
CHARGE_ERROR = "charge_error"
_COLUMNS = {
    CHARGE: {"begin": "i4", "end": "i4", "electrons": "f4", "error": "f4", "per_tick": "var * float32"},
    REGIONS: {"begin": "i4", "end": "i4"},
    LARGE: {"begin": "i4", "end": "i4"},
}
_GAP_TICKS = 2
"""A run of charge without errors has so many ticks of zero at its ends, and up to twice as many inside: stored charge is
rounded."""
PLACE = {
    "run": "u4", "subrun": "u4", "event": "u4", "timestamp": "u8", "detector": "string", "unit": "i2", "plane": "string",
    "channel": "u4",
}  # fmt: skip
"""The branches that say where a row is from, in every tree."""


@dataclass
class ExportedPlane:
    """The good channels of one plane of one image: its ``place`` (``PLACE`` without ``channel``), offline ``channel`` uint32
    (n,), the ``waveforms`` float32 (n, ticks) without pedestal, ADC, or None, ``charge`` float32 (n, ticks), electrons per
    tick, or None, its ``error`` likewise, and ``found``: by tree the ticks that are in its regions, bool (n, ticks)."""

    place: dict[str, int | str]
    channel: np.ndarray
    waveforms: np.ndarray | None
    charge: np.ndarray | None
    error: np.ndarray | None
    found: dict[str, np.ndarray]


def export_products(
    events: str, products: Sequence[str], output: str, denoised_runs_adc: float | None = None
) -> dict[str, int]:
    """Write the good channels of all planes that product files hold as ROOT; return the number of entries by tree.

    ``products``: files of different plane families; ``denoised_runs_adc``: write also the runs of denoised values of larger
    size, ADC of the reference gain; None: do not.
    """
    return export_samples([(events, products)], output, denoised_runs_adc)


def export_samples(
    samples: Iterable[tuple[str, Sequence[str]]],
    output: str,
    denoised_runs_adc: float | None = None,
    source: str | None = None,
) -> dict[str, int]:
    """Write event stores with their product files, at least one, as one ROOT file as ``export_products`` does; each is asked
    for when the one before is written.  ``source``: what the head names instead of files that do not stay."""
    samples = iter(samples)
    first = next(samples)
    with _opened(*first) as (store, opened):
        trees = [name for name in (WAVEFORMS, CHARGE, REGIONS) if any(found.has(name) for found in opened.values())]
        if not trees:
            raise ProtoduneError(
                f"{', '.join(first[1])}: none of '{WAVEFORMS}', '{CHARGE}', '{REGIONS}', expected one of them to write; "
                "export another method"
            )
        ticks = store.ticks
        head = {
            "detector": store.detector.name, "detector_version": store.detector.version, "ticks": ticks,
            "tick_ns": store.detector.tick_ns, "events": source or first[0], "denoised_runs_adc": denoised_runs_adc,
            "products": {family: _about(found, source) for family, found in opened.items()},
            "versions": versions("uproot", "numpy"),
        }  # fmt: skip
    trees += [LARGE] if denoised_runs_adc is not None else []

    def planes() -> Iterator[ExportedPlane]:
        for sample in chain([first], samples):
            with _opened(*sample) as (store, opened):
                yield from _planes(store, opened, denoised_runs_adc)

    return write_planes(output, planes(), trees, ticks, head)


@contextlib.contextmanager
def _opened(events: str, products: Sequence[str]) -> Iterator[tuple[EventStore, dict[str, Products]]]:
    """Open an event store and its product files, by family."""
    with EventStore(events) as store, contextlib.ExitStack() as stack:
        opened = by_family([stack.enter_context(Products(path)) for path in products])
        for found in opened.values():
            found.check_matches(store)
        yield store, opened


def by_family(opened: list[Products]) -> dict[str, Products]:
    """Return product files by their plane family; a second one of a family is a ProtoduneError."""
    found: dict[str, Products] = {}
    for products in opened:
        if products.family in found:
            raise ProtoduneError(
                f"{products.path}: a second file of {products.family} planes beside {found[products.family].path}, expected "
                "one per family; export each method into a file of its own"
            )
        found[products.family] = products
    return found


def _about(found: Products, source: str | None) -> dict:
    """What the head of the file says of one product file: all that it says itself, and the threshold of its regions."""
    files = {"file": found.path} if source is None else {"events": source, "file": None}
    return {**found.about, **files, "region_threshold": found.threshold if found.has(REGIONS) else None}


def _planes(store: EventStore, opened: Mapping[str, Products], large_adc: float | None) -> Iterator[ExportedPlane]:
    for family, found in opened.items():
        for image in range(len(store)):
            for plane in store.family(family, image):
                good = ~store.bad(plane.name, image)
                if good.any():
                    yield _plane(store, found, plane, image, good, large_adc)


def _plane(
    store: EventStore, found: Products, plane: Plane, image: int, good: np.ndarray, large_adc: float | None
) -> ExportedPlane:
    wanted = found.has(WAVEFORMS) or large_adc is not None
    waveforms = found.image(WAVEFORMS, plane.name, image)[good] if wanted else None
    charge, error = (
        found.image(name, plane.name, image)[good] if found.has(name) else None for name in (CHARGE, CHARGE_ERROR)
    )
    regions = {}
    if found.has(REGIONS):
        regions[REGIONS] = region_ticks(found.image(REGIONS, plane.name, image)[good], found.threshold)
    if large_adc is not None:
        regions[LARGE] = np.abs(waveforms) > large_adc * plane.adc_scale
    place = dict(zip(("run", "subrun", "event"), store.event_id(image), strict=True))
    place |= {"timestamp": store.timestamp(image), "detector": store.detector.name, "unit": plane.unit, "plane": plane.name}
    return ExportedPlane(place, store.channel(plane.name, image)[good], waveforms, charge, error, regions)


def write_planes(
    path: str | Path, planes: Iterator[ExportedPlane], trees: Sequence[str], ticks: int, head: dict
) -> dict[str, int]:
    """Write planes as ``trees``: ``denoised`` has an entry per channel, the others one per region or run of charge; return
    the number of entries by tree.  ``head`` travels in the file as JSON."""
    about = {"layout": LAYOUT, "layout_version": LAYOUT_VERSION, **head}
    entries = dict.fromkeys(trees, 0)
    compression = uproot.ZLIB(3)
    compression.library = "isal"  # the same format, and faster
    with atomic_path(path) as temporary, uproot.recreate(temporary, compression=compression) as file:
        file["protodune_about"] = json.dumps(about, sort_keys=True)
        for tree in trees:
            own = {"adc": np.dtype(("f4", (ticks,)))} if tree == WAVEFORMS else _COLUMNS[tree]
            file.mktree(tree, {**PLACE, **own})
        for plane in planes:
            if plane.waveforms is not None:
                columns = {"adc": plane.waveforms.astype(np.float32)}
                entries[WAVEFORMS] += _extend(file[WAVEFORMS], plane, plane.channel, columns)
            if plane.charge is not None:
                row, columns = _charge_runs(plane.charge, plane.error)
                entries[CHARGE] += _extend(file[CHARGE], plane, plane.channel[row], columns)
            for tree, mask in plane.found.items():
                row, begin, end = runs(mask)
                columns = {"begin": begin.astype(np.int32), "end": end.astype(np.int32)}
                entries[tree] += _extend(file[tree], plane, plane.channel[row], columns)
    return entries


def _charge_runs(charge: np.ndarray, error: np.ndarray | None) -> tuple[np.ndarray, dict]:
    """Return the row of every run of ticks with charge, and its columns; the error is NaN where none is known."""
    row, begin, end = runs(charge != 0 if error is None else error > 0)
    if error is None:
        row, begin, end = runs(from_runs(row, begin - _GAP_TICKS, end + _GAP_TICKS, charge.shape))
    spans = list(zip(row, begin, end, strict=True))
    parts = [charge[r, b:e] for r, b, e in spans]
    flat = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    columns = {
        "begin": begin.astype(np.int32),
        "end": end.astype(np.int32),
        "electrons": np.array([part.sum() for part in parts], np.float32),
        "error": np.array([np.nan if error is None else error[r, b:e].sum() for r, b, e in spans], np.float32),
        "per_tick": awkward.unflatten(flat.astype(np.float32), end - begin),
    }
    return row, columns


def _extend(tree: uproot.WritableTree, plane: ExportedPlane, channel: np.ndarray, columns: dict[str, np.ndarray]) -> int:
    """Append rows of one plane to a tree; return how many."""
    if len(channel):
        rows: dict = {"channel": channel.astype(np.uint32), **columns}
        for name, value in plane.place.items():
            text = PLACE[name] == "string"
            rows[name] = (
                awkward.from_numpy(np.full(len(channel), value)) if text else np.full(len(channel), value, PLACE[name])
            )
        tree.extend(rows)
    return len(channel)
