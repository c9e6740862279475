"""Charge of one point of a track as the three planes of an APA see it; a check that needs no truth.

Where a wire of each plane crosses the others and all three carry an isolated pulse at one time, the same particle passed
them.  The ratios of the three charges depend on its direction, as the path below a wire does, and must not change with
denoising; the deconvolution gives the charge of bipolar and unipolar waveforms alike.
"""

from __future__ import annotations

import numpy as np

from protodune.detector.geometry import PLANES, WIRE_PLANES, WIRE_Y_RANGE_MM, drift_facing_face
from protodune.measure.noise import find_pulses

REACH_TICKS = 12
SIDE_TICKS = 30
"""A pulse's charge is what it has within 12 ticks of its peak over the line between the means of both sides up to 30."""
APART_TICKS = 3
APART_MM = 15.0
"""Pulses of three planes are of one point if they peak within 3 ticks and the crossings of the induction wires with the
collection wire lie within 15 mm: half a pitch of all three wires, along the wire."""


def match_points(images: dict[str, np.ndarray], good: dict[str, np.ndarray], apa: int) -> dict[str, np.ndarray]:
    """Return the points that all three planes see, by plane the channel row and tick, int (points, 2).

    ``images``: charge of planes U, V and X, float (channels, ticks), without the slow noise of induction
    (``Deconvolved.tight``); ``good`` bool (channels,) each.  Of the points to which a pulse fits it belongs to the one
    whose wires meet most closely.
    """
    pulses = {plane: np.stack(find_pulses(images[plane], good[plane]), axis=1) for plane in PLANES}
    face = drift_facing_face(apa)
    heights = {plane: _wire_heights(pulses[plane][:, 0], face, plane) for plane in ("U", "V")}
    position = WIRE_PLANES[face, "X"]
    wire_of_row = np.full(PLANES["X"].n_channels, -1)
    wire_of_row[position.row(np.arange(position.n_wires))] = np.arange(position.n_wires)
    found: list[tuple[float, int, int, int]] = []
    for number, (row, tick) in enumerate(pulses["X"]):
        if wire_of_row[row] < 0:  # the other face, which looks at the wall
            continue
        z = position.first_mm + position.pitch_mm * wire_of_row[row]
        places = {}
        for plane in ("U", "V"):
            pulse, wire = np.nonzero((np.abs(pulses[plane][:, 1] - tick) <= APART_TICKS)[:, None] & (heights[plane][0] >= 0))
            start, slope = heights[plane][1:]
            y = start[pulse, wire] + slope * z
            inside = (y >= WIRE_Y_RANGE_MM[0]) & (y <= WIRE_Y_RANGE_MM[1])
            places[plane] = pulse[inside], y[inside]
        apart = np.abs(places["U"][1][:, None] - places["V"][1])
        for u, v in np.argwhere(apart <= APART_MM):
            found.append((float(apart[u, v]), int(places["U"][0][u]), int(places["V"][0][v]), number))
    used: tuple[set, set, set] = (set(), set(), set())
    points = []
    for _, *point in sorted(found):
        if not any(pulse in taken for pulse, taken in zip(point, used, strict=True)):
            points.append(point)
            for pulse, taken in zip(point, used, strict=True):
                taken.add(pulse)
    rows = np.array(points, dtype=np.int64).reshape(-1, 3)
    return {plane: pulses[plane][rows[:, column]] for column, plane in enumerate(PLANES)}


def _wire_heights(rows: np.ndarray, face: int, plane: str) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the wires of a face that each row reads, (rows, 2), -1 where there is no second one, and the lines
    y = start + slope z on which they lie: start (rows, 2), mm, and the slope of all."""
    info = WIRE_PLANES[face, plane]
    wires = np.full((PLANES[plane].n_channels, 2), -1)
    for wire in range(info.n_wires):
        row = info.row(wire)
        wires[row, int(wires[row, 0] >= 0)] = wire
    mine = wires[rows]
    start = (info.first_mm + info.pitch_mm * mine) / info.normal[0]
    return mine, start, -info.normal[1] / info.normal[0]


def pulse_charges(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the charge in electrons of the pulses at ``points``, int (points, 2) of row and tick: float64 (points,)."""
    offsets = np.arange(-SIDE_TICKS, SIDE_TICKS + 1)
    windows = image[points[:, :1], points[:, 1:] + offsets].astype(np.float64)
    near, before = np.abs(offsets) <= REACH_TICKS, offsets < -REACH_TICKS
    # The line through the means of both sides has their mean under the peak, and sums to it.
    base = (windows[:, before].mean(axis=1) + windows[:, offsets > REACH_TICKS].mean(axis=1)) / 2
    return windows[:, near].sum(axis=1) - near.sum() * base
