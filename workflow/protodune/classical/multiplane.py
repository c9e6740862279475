"""What two planes say about the third: multi-plane protection of Wire-Cell (MP2, MP3; docs/physics.md, DNNROI).

At one time a crossing of an active wire of each of two planes is a point (y, z), which lies on a wire of the third.
"""

from __future__ import annotations

import numpy as np

from protodune.detector.model import Unit

MP2_REACH = 1
"""Two planes predict the wires up to one away from the crossing."""
MP3_REACH = 2.0
"""Three planes agree where a wire of the third lies closer than two wires to it."""
_MARGIN_MM = 10.0


def multi_plane(
    unit: Unit, target: str, active: dict[str, np.ndarray], candidates: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return MP2 and MP3 of the plane ``target`` of a unit, bool (channels, slices).

    ``active``: which channels of the two other planes hold charge in each time slice, bool (channels, slices);
    ``candidates`` the same for the target.  MP2: the wires within one of a crossing, whatever the target holds; MP3: the
    candidates within less than two of it.  A wrapped channel stands for all its wires on both faces.
    """
    (first, first_active), (second, second_active) = active.items()
    mp2, mp3 = np.zeros_like(candidates), np.zeros_like(candidates)
    for face in unit.planes[target].wires:
        planes = [unit.planes[name].wires[face] for name in (first, second, target)]
        # (y, z) from the pitch coordinates of the two wires, then the wire number on the third plane.
        solve = np.linalg.inv(np.array([planes[0].normal, planes[1].normal]))
        wires = [np.arange(p.n_wires) for p in planes]
        rows = [p.row(w) for p, w in zip(planes, wires, strict=True)]
        coordinates = [p.first_mm + p.pitch_mm * w for p, w in zip(planes, wires, strict=True)]
        on = [first_active[rows[0]], second_active[rows[1]]]
        candidate = candidates[rows[2]]
        predicted, agreed = np.zeros_like(candidate), np.zeros_like(candidate)
        for slice_ in np.flatnonzero(on[0].any(axis=0) & on[1].any(axis=0)):
            a, b = (coordinates[i][on[i][:, slice_]] for i in (0, 1))
            y = solve[0, 0] * a[:, None] + solve[0, 1] * b
            z = solve[1, 0] * a[:, None] + solve[1, 1] * b
            inside = _within(y, unit.y_range_mm) & _within(z, unit.z_range_mm)
            crossing = planes[2].coordinate(y[inside], z[inside])
            nearest = np.rint(crossing).astype(int)
            for shift in range(-MP2_REACH, MP2_REACH + 1):
                there = nearest + shift
                predicted[there[(there >= 0) & (there < planes[2].n_wires)], slice_] = True
            on_target = np.flatnonzero(candidate[:, slice_])
            if len(on_target) and len(crossing):
                ordered = np.sort(crossing)
                place = np.searchsorted(ordered, on_target)
                left, right = ordered[np.maximum(place - 1, 0)], ordered[np.minimum(place, len(ordered) - 1)]
                distance = np.minimum(np.abs(on_target - left), np.abs(on_target - right))
                agreed[on_target[distance < MP3_REACH], slice_] = True
        for wire_image, image in ((predicted, mp2), (agreed, mp3)):
            np.logical_or.at(image, rows[2], wire_image)
    return mp2, mp3


def _within(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return (values >= limits[0] - _MARGIN_MM) & (values <= limits[1] + _MARGIN_MM)
