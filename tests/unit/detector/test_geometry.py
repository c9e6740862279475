import numpy as np
import pytest

from protodune.detector.geometry import (
    N_CHANNELS,
    PLANES,
    WIRE_PLANES,
    drift_facing_face,
    drift_facing_rows,
    femb_of_group,
    plane_channels,
    wires_per_channel,
)


def test_planes_cover_every_channel_once():
    channels = np.concatenate([plane_channels(plane, apa) for apa in range(6) for plane in PLANES])
    assert np.array_equal(np.sort(channels), np.arange(N_CHANNELS))


def test_induction_wires_wrap_around_the_frame():
    for plane in ("U", "V"):
        counts = wires_per_channel(plane)
        assert np.count_nonzero(counts == 3) == 696
        assert np.count_nonzero(counts == 2) == 104
    assert np.all(wires_per_channel("X") == 1)


def test_wire_map_of_the_two_faces():
    assert WIRE_PLANES[0, "U"].row(np.array([0, 399, 400])).tolist() == [400, 799, 0]
    assert WIRE_PLANES[1, "U"].row(np.array([0, 347, 348])).tolist() == [347, 0, 799]
    assert WIRE_PLANES[0, "V"].row(np.array([0, 747, 748])).tolist() == [747, 0, 799]
    assert WIRE_PLANES[0, "X"].row(np.array([0, 479])).tolist() == [480, 959]


def test_collection_half_that_faces_the_cathode():
    for apa in range(6):
        rows = WIRE_PLANES[drift_facing_face(apa), "X"].row(np.arange(480))
        expected = drift_facing_rows("X", apa)
        assert (rows.min(), rows.max() + 1) == (expected.start, expected.stop)


@pytest.mark.parametrize("plane", PLANES)
def test_every_front_end_board_reads_one_group_of_each_plane(plane):
    assert sorted(femb_of_group(plane)) == list(range(1, 21))


def test_board_302_reads_the_documented_channels():
    # FEMB 2 of an APA: local U 440-479, V 1520-1559, X 2128-2175.
    firsts = {p: i.first + i.group_size * int(np.flatnonzero(femb_of_group(p) == 2)[0]) for p, i in PLANES.items()}
    assert firsts == {"U": 440, "V": 1520, "X": 2128}


def test_three_planes_agree_on_a_point():
    y, z = np.array([3000.0]), np.array([1200.0])
    for face in (0, 1):
        w = {p: WIRE_PLANES[face, p].wire_coordinate(y, z, 0)[0] for p in PLANES}
        normals = {p: np.array(WIRE_PLANES[face, p].normal) for p in "UV"}
        pitch = [w[p] * WIRE_PLANES[face, p].pitch_mm + WIRE_PLANES[face, p].first_mm for p in "UV"]
        crossing = np.linalg.solve(np.array([normals["U"], normals["V"]]), pitch)
        assert abs((crossing[1] - WIRE_PLANES[face, "X"].first_mm) / WIRE_PLANES[face, "X"].pitch_mm - w["X"]) < 1
