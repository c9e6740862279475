"""Charge of one point of a track as the three planes of a unit see it; a check that needs no truth.

Where a wire of each plane crosses the others and all three carry an isolated pulse at one time, the same particle passed
them.  The ratios of the three charges depend on its direction, as the path below a wire does, and must not change with
denoising; the deconvolution gives the charge of bipolar and unipolar waveforms alike.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from protodune.classical.deconvolution import deconvolve
from protodune.core.errors import ProtoduneError
from protodune.detector.model import FAMILIES, Detector, Plane, Unit
from protodune.events.products import Products
from protodune.events.store import EventStore
from protodune.measure.noise import find_pulses
from protodune.measure.rows import PLACE_COLUMNS

REACH_TICKS = 12
SIDE_TICKS = 30
"""A pulse's charge is what it has within 12 ticks of its peak over the line between the means of both sides up to 30."""
APART_TICKS = 3
APART_MM = 15.0
"""Pulses of three planes are of one point if they peak within 3 ticks and the crossings of the induction wires with the
collection wire lie within 15 mm: half a pitch of all three wires, along the wire."""
IMAGES = ("raw", "denoised")

log = logging.getLogger(__name__)


def columns(detector: Detector) -> list[str]:
    """Return the columns of a table of points; ``collection`` names the plane that collects."""
    planes = detector.plane_names
    places = [c for c in PLACE_COLUMNS if c not in ("family", "plane")]
    charges = [f"{image}_{plane}" for image in IMAGES for plane in planes]
    return [*places, "collection", "tick", *(f"channel_{plane}" for plane in planes), *charges]


def crossing_rows(store: EventStore, products: Sequence[Products], about: dict[str, str]) -> list[dict]:
    """Return one row per point that all planes of a unit see: its collection tick, channels, and charges in electrons.

    ``products``: of one method, of both families; no row for a method without waveforms, nor of a unit that has not two
    induction planes and one of collection.  ``about``: task, step, method and sample.
    """
    found = {part.family: part for part in products}
    if set(found) != set(FAMILIES):
        raise ProtoduneError(f"products of {' and '.join(found)} planes, expected those of {' and '.join(FAMILIES)} planes")
    for part in products:
        part.check_matches(store)
    rows: list[dict] = []
    if all(part.has("denoised") for part in products):
        for image in tqdm(range(len(store)), desc=about["method"], unit="image", disable=None):
            rows += _points_of_image(store, found, image, about)
    return rows


def _points_of_image(store: EventStore, found: dict[str, Products], image: int, about: dict[str, str]) -> list[dict]:
    unit = store.detector.units[store.unit[image]]
    if (len(unit.of_family("induction")), len(unit.of_family("collection"))) != (2, 1):
        log.info("%s %d: no two induction planes and one of collection", store.detector.unit_name, unit.number)
        return []
    planes = unit.planes
    raw = {n: deconvolve(store.waveforms(n, image), p) for n, p in planes.items()}
    good = {n: ~store.bad(n, image) for n in planes}
    points = match_points({n: raw[n].tight for n in planes}, good, unit)
    run, subrun, event = store.event_id(image)
    collection = unit.of_family("collection")[0].name
    place = {"detector": store.detector.name, **about, "run": run, "subrun": subrun, "event": event,
             "detector_unit": unit.number, "collection": collection}  # fmt: skip
    values = {"tick": points[collection][:, 1]}
    values |= {f"channel_{n}": store.channel(n, image)[points[n][:, 0]] for n in planes}
    values |= {f"raw_{n}": pulse_charges(raw.pop(n).charge, points[n]) for n in planes}
    for name, plane in planes.items():
        denoised = found[plane.family].image("denoised", name, image)
        values[f"denoised_{name}"] = pulse_charges(deconvolve(denoised, plane).charge, points[name])
    lists = [column.tolist() for column in values.values()]
    return [{**place, **dict(zip(values, each, strict=True))} for each in zip(*lists, strict=True)]


def match_points(images: dict[str, np.ndarray], good: dict[str, np.ndarray], unit: Unit) -> dict[str, np.ndarray]:
    """Return the points that all three planes of a unit see, by plane the channel row and tick, int (points, 2).

    ``images``: charge by name of the plane, float (channels, ticks), without the slow noise of induction
    (``Deconvolved.tight``); ``good`` bool (channels,) each.  Of the points to which a pulse fits it belongs to the one
    whose wires meet most closely.
    """
    first, second = unit.of_family("induction")
    [collection] = unit.of_family("collection")
    pulses = {name: np.stack(find_pulses(images[name], good[name]), axis=1) for name in unit.planes}
    across = _normal(collection)
    lines = {p.name: _wire_lines(pulses[p.name][:, 0], p, across) for p in (first, second)}
    wires = collection.facing_wires
    wire_of_row = np.full(collection.n_channels, -1)
    wire_of_row[wires.row(np.arange(wires.n_wires))] = np.arange(wires.n_wires)
    found: list[tuple[float, int, int, int]] = []
    for number, (row, tick) in enumerate(pulses[collection.name]):
        if wire_of_row[row] < 0:  # the other face, which looks at the wall
            continue
        position = wires.first_mm + wires.pitch_mm * wire_of_row[row]
        places = {}
        for name, (mine, start, slope) in lines.items():
            near = np.abs(pulses[name][:, 1] - tick) <= APART_TICKS
            pulse, wire = np.nonzero(near[:, None] & (mine >= 0))
            along = start[pulse, wire] + slope * position
            inside = _inside(unit, along, position, across)
            places[name] = pulse[inside], along[inside]
        apart = np.abs(places[first.name][1][:, None] - places[second.name][1])
        for u, v in np.argwhere(apart <= APART_MM):
            found.append((float(apart[u, v]), int(places[first.name][0][u]), int(places[second.name][0][v]), number))
    rows = _closest(found)
    order = (first.name, second.name, collection.name)
    by_name = {name: pulses[name][rows[:, column]] for column, name in enumerate(order)}
    return {name: by_name[name] for name in unit.planes}


def _closest(found: list[tuple[float, int, int, int]]) -> np.ndarray:
    """Return the points, int64 (points, 3), such that each pulse belongs to the one whose wires meet most closely."""
    used: tuple[set, set, set] = (set(), set(), set())
    points = []
    for _, *point in sorted(found):
        if not any(pulse in taken for pulse, taken in zip(point, used, strict=True)):
            points.append(point)
            for pulse, taken in zip(point, used, strict=True):
                taken.add(pulse)
    return np.array(points, dtype=np.int64).reshape(-1, 3)


def _normal(collection: Plane) -> tuple[float, float]:
    return collection.facing_wires.normal


def _inside(unit: Unit, along: np.ndarray, position: float, across: tuple[float, float]) -> np.ndarray:
    """Return which crossings lie where the unit has wires; coordinates along and across the collection wire, mm."""
    y = along * across[1] + position * across[0]
    z = position * across[1] - along * across[0]
    low, high = unit.z_range_mm
    # Wires that run along y end at the range of y only; others may leave it sideways.
    sideways = across[0] != 0
    inside = (y >= unit.y_range_mm[0]) & (y <= unit.y_range_mm[1])
    return inside & (z >= low) & (z <= high) if sideways else inside


def _wire_lines(rows: np.ndarray, plane: Plane, across: tuple[float, float]) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the wires of the facing side that each row reads, (rows, n), -1 where there are fewer, and the lines
    s = start + slope t on which they lie, in coordinates s along and t across the collection wires: start (rows, n), mm,
    and the slope of all."""
    wires = plane.facing_wires
    rows_of_wires = wires.row(np.arange(wires.n_wires))
    most = int(np.bincount(rows_of_wires).max())
    table = np.full((plane.n_channels, most), -1)
    for wire, row in enumerate(rows_of_wires.tolist()):
        table[row, int((table[row] >= 0).sum())] = wire
    mine = table[rows]
    along = wires.normal[0] * across[1] - wires.normal[1] * across[0]
    beside = wires.normal[0] * across[0] + wires.normal[1] * across[1]
    start = (wires.first_mm + wires.pitch_mm * mine) / along
    return mine, start, -beside / along


def pulse_charges(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the charge in electrons of the pulses at ``points``, int (points, 2) of row and tick: float64 (points,)."""
    offsets = np.arange(-SIDE_TICKS, SIDE_TICKS + 1)
    windows = image[points[:, :1], points[:, 1:] + offsets].astype(np.float64)
    near, before = np.abs(offsets) <= REACH_TICKS, offsets < -REACH_TICKS
    # The line through the means of both sides has their mean under the peak, and sums to it.
    base = (windows[:, before].mean(axis=1) + windows[:, offsets > REACH_TICKS].mean(axis=1)) / 2
    return windows[:, near].sum(axis=1) - near.sum() * base
