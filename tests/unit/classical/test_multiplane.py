import numpy as np
import pytest

from protodune.classical.multiplane import multi_plane
from protodune.detector.known.protodune_sp import DETECTOR

SLICES = 5
UNIT = DETECTOR.units[0]
PLANES = UNIT.planes


def crossing(face, y, z):
    """The row of each plane that reads the wire nearest to a point."""
    wires = {name: plane.wires[face] for name, plane in PLANES.items()}
    return {n: int(w.row(np.rint(w.coordinate(np.array(y), np.array(z))).astype(int))) for n, w in wires.items()}


def empty():
    return {name: np.zeros((plane.n_channels, SLICES), bool) for name, plane in PLANES.items()}


@pytest.mark.parametrize("face", [0, 1])
@pytest.mark.parametrize("target", ["U", "V"])
@pytest.mark.parametrize(("y", "z"), [(500.0, 300.0), (3000.0, 1200.0), (5900.0, 2100.0)])
def test_two_planes_point_at_the_third(face, target, y, z):
    active, rows = empty(), crossing(face, y, z)
    for name, row in rows.items():
        active[name][row, 2] = True
    candidates = active.pop(target)
    other = (rows[target] + 100) % 800  # charge far from any crossing
    candidates[other, 2] = True
    mp2, mp3 = multi_plane(UNIT, target, active, candidates)
    assert mp2[rows[target], 2]
    assert mp3[rows[target], 2]
    assert not mp2[:, [0, 1, 3, 4]].any()
    assert not mp3[:, [0, 1, 3, 4]].any()
    assert mp3.sum() <= 2, "only what the target itself holds"
    # A wrapped wire of the other induction plane crosses the collection wire up to twice a face.
    assert 3 <= mp2.sum() <= 12
    assert not multi_plane(UNIT, target, active, np.zeros_like(candidates))[1].any()
    early = {name: np.roll(image, -1 if name == "X" else 0, axis=1) for name, image in active.items()}
    assert not multi_plane(UNIT, target, early, candidates)[0].any(), "not at the same time"


def test_brute_force(rng):
    """Every pair of wires of a small random plane by hand."""
    active, target = empty(), "U"
    for image in active.values():
        image[rng.choice(len(image), 12, replace=False), 1] = True
    candidates = active.pop(target)
    mp2, mp3 = multi_plane(UNIT, target, active, candidates)
    want2, want3 = np.zeros_like(mp2), np.zeros_like(mp3)
    for face in (0, 1):
        v, x, u = (PLANES[name].wires[face] for name in ("V", "X", "U"))
        for a in range(v.n_wires):
            for b in np.flatnonzero(active["X"][x.row(np.arange(x.n_wires)), 1]):
                if not active["V"][v.row(a), 1]:
                    continue
                z = x.first_mm + b * x.pitch_mm
                y = (v.first_mm + a * v.pitch_mm - z * v.normal[1]) / v.normal[0]
                if not (66 <= y <= 6070):
                    continue
                k = u.coordinate(np.array(y), np.array(z))
                for w in range(u.n_wires):
                    want2[u.row(w), 1] |= abs(w - np.rint(k)) <= 1
                    want3[u.row(w), 1] |= bool(abs(w - k) < 2 and candidates[u.row(w), 1])
    assert np.array_equal(mp2, want2)
    assert np.array_equal(mp3, want3)
