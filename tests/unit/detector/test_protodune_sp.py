import numpy as np
import pytest

from protodune.detector.known.protodune_sp import DETECTOR, FAMILY_PLANES, N_UNITS

PLANES = DETECTOR.plane_names


def test_planes_cover_every_channel_once():
    channels = np.concatenate([plane.channels for plane in DETECTOR.planes()])
    assert np.array_equal(np.sort(channels), np.arange(DETECTOR.n_channels))
    assert DETECTOR.n_channels == 15360
    assert np.array_equal(DETECTOR.unit_of(np.array([0, 2559, 2560, 15359])), [0, 0, 1, 5])


def test_what_the_plan_reads_from_the_source_is_so():
    assert len(DETECTOR.units) == N_UNITS
    assert {family: DETECTOR.family_planes(family) for family in FAMILY_PLANES} == FAMILY_PLANES


def test_induction_wires_wrap_around_the_frame():
    for plane in ("U", "V"):
        counts = DETECTOR.plane(0, plane).wires_per_row()
        assert np.count_nonzero(counts == 3) == 696
        assert np.count_nonzero(counts == 2) == 104
    assert np.all(DETECTOR.plane(0, "X").wires_per_row() == 1)


def test_wire_map_of_the_two_faces():
    u, v, x = (DETECTOR.plane(0, name).wires for name in PLANES)
    assert u[0].row(np.array([0, 399, 400])).tolist() == [400, 799, 0]
    assert u[1].row(np.array([0, 347, 348])).tolist() == [347, 0, 799]
    assert v[0].row(np.array([0, 747, 748])).tolist() == [747, 0, 799]
    assert x[0].row(np.array([0, 479])).tolist() == [480, 959]


def test_collection_half_that_faces_the_cathode():
    for unit in DETECTOR.units:
        plane = unit.planes["X"]
        rows = plane.facing_wires.row(np.arange(480))
        assert (rows.min(), rows.max() + 1) == plane.drift_rows
        assert plane.looks_both_ways
        assert not unit.planes["U"].looks_both_ways
        assert unit.side == (1 if plane.facing else -1)


def test_the_argon_that_wires_can_see():
    low, high = DETECTOR.active_mm
    assert low.tolist() == [-3780.0, 76.0, 5.6]
    assert high == pytest.approx([3780.0, 6060.0, 2301.0 + 2 * 2320.6])
    assert [DETECTOR.unit_at(x).number for x in (-10.0, 10.0)] == [0, 1]


@pytest.mark.parametrize("plane", PLANES)
def test_every_front_end_board_reads_one_group_of_each_plane(plane):
    assert sorted(DETECTOR.plane(0, plane).boards) == list(range(1, 21))


def test_the_slow_board_reads_the_documented_channels():
    # FEMB 2 of an APA: local U 440-479, V 1520-1559, X 2128-2175.
    channels = DETECTOR.units[0].board_channels(DETECTOR.slow_board.board)
    expected = [*range(440, 480), *range(1520, 1560), *range(2128, 2176)]
    assert channels.tolist() == expected
    assert DETECTOR.slow_ticks(6000) == 5996


def test_three_planes_agree_on_a_point():
    y, z = np.array([3000.0]), np.array([1200.0])
    for face in (0, 1):
        u, v, x = (DETECTOR.plane(0, name).wires[face] for name in PLANES)
        pitch = [w.coordinate(y, z)[0] * w.pitch_mm + w.first_mm for w in (u, v)]
        crossing = np.linalg.solve(np.array([u.normal, v.normal]), pitch)
        assert abs((crossing[1] - x.first_mm) / x.pitch_mm - x.coordinate(y, z)[0]) < 1


def test_it_is_the_reference_of_gain():
    assert all(plane.adc_scale == 1.0 for plane in DETECTOR.planes())
    assert DETECTOR.adc_per_count == 0.125
    assert all(plane.electronics.adc_max == 4095 for plane in DETECTOR.planes())
