"""ProtoDUNE-SP readout: channels, planes, faces, wires, front-end boards; constants carry their unit.

Offline channel ``c`` belongs to APA ``c // 2560``; its local number ``c % 2560`` lies in [0, 800) for U, [800, 1600) for
V and [1600, 2560) for X (collection), the latter 480 channels a face.  Wire map of the wrapped induction wires and board
blocks: docs/physics.md, section Geometry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

N_APAS = 6
CHANNELS_PER_APA = 2560
N_CHANNELS = N_APAS * CHANNELS_PER_APA
READOUT_TICKS = 6000
TICK_US = 0.5
TRIGGER_TICK = 500
ADC_MAX = 4095

DRIFT_SPEED_MM_PER_US = 1.6
MAX_DRIFT_MM = 3580.0
APA_PITCH_Z_MM = 2320.6
DRIFT_WIRES_X_MM = 3594.0
"""|x| of the collection wires that face the cathode at x = 0; APAs 0, 2, 4 are at x < 0."""
WALL_WIRES_X_MM = 3680.0
"""|x| of the collection wires that face the cryostat wall."""
WIRE_Y_RANGE_MM = (76.0, 6060.0)
WIRE_Z_RANGE_MM = (5.6, 2301.0)
INDUCTION_PITCH_MM = 4.669
COLLECTION_PITCH_MM = 4.792

FEMB_302_APA = 0
"""Offline APA of front-end board 302 (installation label 3, board 2), which ran on a slower clock."""
FEMB_302_TICKS = 5996
"""Ticks that board 302 reads while the others read 6000."""


@dataclass(frozen=True)
class Plane:
    """One readout plane of an APA: ``n_channels`` channels from local channel ``first`` on."""

    name: str
    first: int
    n_channels: int
    group_size: int  # channels of one front-end board (FEMB) in this plane, contiguous in offline numbering
    pitch_mm: float

    @property
    def n_groups(self) -> int:
        """Number of FEMB groups of the plane (20 for every plane)."""
        return self.n_channels // self.group_size


PLANES = {
    "U": Plane("U", 0, 800, 40, INDUCTION_PITCH_MM),
    "V": Plane("V", 800, 800, 40, INDUCTION_PITCH_MM),
    "X": Plane("X", 1600, 960, 48, COLLECTION_PITCH_MM),
}
PLANE_FAMILIES = {"induction": ("U", "V"), "collection": ("X",)}


def plane_channels(plane: str, apa: int) -> np.ndarray:
    """Return the offline channel numbers of a plane of an APA, shape (n_channels,), uint32."""
    p = PLANES[plane]
    return np.arange(p.n_channels, dtype=np.uint32) + np.uint32(apa * CHANNELS_PER_APA + p.first)


def drift_facing_rows(plane: str, apa: int) -> slice:
    """Return the rows of a plane image that look at the drift volume.

    Induction wires wrap around the frame, so every row does.  Of the 960 collection rows, rows 480-959 (face 0) face the
    cathode for the APAs at x < 0 (0, 2, 4), rows 0-479 (face 1) for those at x > 0; the other half faces the cryostat wall.
    """
    if plane != "X":
        return slice(0, PLANES[plane].n_channels)
    return slice(480, 960) if apa % 2 == 0 else slice(0, 480)


def drift_facing_face(apa: int) -> int:
    """Return the face (0 or 1) of an APA that looks at the cathode."""
    return 0 if apa % 2 == 0 else 1


@dataclass(frozen=True)
class WirePlane:
    """The wires of one plane on one face, numbered along the pitch direction ``normal`` in (y, z).

    ``first_mm`` is the pitch coordinate of wire 0 in APA 0.  Wire ``w`` is read by the local channel
    ``first + (sign * w + offset) mod modulus``.
    """

    normal: tuple[float, float]
    first_mm: float
    n_wires: int
    first: int
    sign: int
    offset: int
    modulus: int
    pitch_mm: float

    def wire_coordinate(self, y_mm: np.ndarray, z_mm: np.ndarray, apa: int) -> np.ndarray:
        """Return the continuous wire number of points, shape as the input; integer values are wire centres."""
        z_local = z_mm - (apa // 2) * APA_PITCH_Z_MM
        return (y_mm * self.normal[0] + z_local * self.normal[1] - self.first_mm) / self.pitch_mm

    def row(self, wire: np.ndarray) -> np.ndarray:
        """Return the row in the plane image (local channel minus the plane's first) that reads each wire."""
        return (self.sign * wire + self.offset) % self.modulus


_N = 0.8120
_M = 0.5836
# Keys: (face, plane). The X rows are counted from local channel 1600, so face 0 starts at row 480.
WIRE_PLANES = {
    (0, "U"): WirePlane((-_M, _N), -3534.34, 1148, 0, 1, 400, 800, INDUCTION_PITCH_MM),
    (0, "V"): WirePlane((_M, _N), 49.78, 1148, 800, -1, 747, 800, INDUCTION_PITCH_MM),
    (0, "X"): WirePlane((0.0, 1.0), 5.60, 480, 1600, 1, 480, 960, COLLECTION_PITCH_MM),
    (1, "U"): WirePlane((_M, _N), 52.09, 1148, 0, -1, 347, 800, INDUCTION_PITCH_MM),
    (1, "V"): WirePlane((-_M, _N), -3532.04, 1148, 800, 1, 0, 800, INDUCTION_PITCH_MM),
    (1, "X"): WirePlane((0.0, 1.0), 5.75, 480, 1600, 1, 0, 960, COLLECTION_PITCH_MM),
}


def femb_of_group(plane: str) -> np.ndarray:
    """Return the installation label (1-20) of the front-end board that reads each channel group, shape (20,), int."""
    label = np.arange(1, 21)
    block = {
        "U": np.where(label <= 10, 9 + label, label - 11),
        "V": 20 - label,
        "X": np.where(label <= 10, 9 + label, 20 - label),
    }[plane]
    femb = np.empty(20, dtype=np.int64)
    femb[block] = label
    return femb


def wires_per_channel(plane: str) -> np.ndarray:
    """Return how many wire segments (both faces) each row of a plane reads, shape (n_channels,), int."""
    counts = np.zeros(PLANES[plane].n_channels, dtype=np.int64)
    for face in (0, 1):
        wires = WIRE_PLANES[face, plane]
        counts += np.bincount(wires.row(np.arange(wires.n_wires)), minlength=counts.size)
    return counts


def femb_channels(apa: int, femb: int) -> np.ndarray:
    """Return the 128 offline channels of a front-end board (installation label 1-20) of an APA, uint32."""
    parts = []
    for name, plane in PLANES.items():
        group = int(np.flatnonzero(femb_of_group(name) == femb)[0])
        parts.append(plane_channels(name, apa)[group * plane.group_size : (group + 1) * plane.group_size])
    return np.concatenate(parts)
