import numpy as np
import pytest

from protodune.detector.known.protodune_sp import DETECTOR
from protodune.measure.crossings import SIDE_TICKS, columns, match_points, pulse_charges

UNIT = DETECTOR.units[3]
PLANES = UNIT.planes
GOOD = {name: np.ones(plane.n_channels, bool) for name, plane in PLANES.items()}
SHAPE = np.exp(-0.5 * (np.arange(-8, 9) / 2.5) ** 2)


def rows_of(y_mm, z_mm):
    """The channel rows that see a point in front of the unit, with z counted from its origin."""
    wires = {name: plane.facing_wires for name, plane in PLANES.items()}
    return {name: int(w.row(np.rint(w.coordinate(y_mm, z_mm)).astype(int))) for name, w in wires.items()}


def images(points, rng, charge=1000.0):
    """Charge of points (y, z, tick, factors by plane) over a little noise."""
    found = {name: rng.normal(0, 1, (plane.n_channels, 1500)).astype(np.float32) for name, plane in PLANES.items()}
    for y, z, tick, *factors in points:
        for plane, factor in zip(PLANES, factors or (1, 1, 1), strict=True):
            found[plane][rows_of(y, z)[plane], tick - 8 : tick + 9] += charge * factor * SHAPE
    return found


def test_points_are_matched_by_place_and_time(rng):
    points = [(3000.0, 1100.0, 300), (1000.0, 400.0, 500), (4000.0, 2000.0, 700)]
    found = match_points(images(points, rng), GOOD, UNIT)
    expected = sorted((tick, tuple(rows_of(y, z).values())) for y, z, tick in points)
    ticks = found["X"][:, 1]
    assert sorted(zip(ticks.tolist(), zip(*(found[p][:, 0].tolist() for p in PLANES), strict=True), strict=True)) == expected


def test_pulses_at_other_times_or_places_are_of_no_point(rng):
    made = images([(3000.0, 1100.0, 300)], rng)
    assert len(match_points(made, GOOD, UNIT)["X"]) == 1
    made["V"] = np.roll(made["V"], 30, axis=1)
    assert len(match_points(made, GOOD, UNIT)["X"]) == 0
    made["V"] = np.roll(np.roll(made["V"], -30, axis=1), 40, axis=0)
    assert len(match_points(made, GOOD, UNIT)["X"]) == 0
    quiet = images([], rng)
    assert {p: part.shape for p, part in match_points(quiet, GOOD, UNIT).items()} == dict.fromkeys(PLANES, (0, 2))


def test_a_pulse_belongs_to_the_point_whose_wires_meet_most_closely(rng):
    """A neighbour on collection at the same time: its wire lies farther from the crossing, and one point is left."""
    y, z = 3000.0, 1100.0
    made = images([(y, z, 300)], rng)
    row = rows_of(y, z)["X"]
    made["X"][row + 1] = made["X"][row]
    made["X"][row - 1] = made["X"][row]
    points = match_points(made, GOOD, UNIT)
    assert points["X"].tolist() == [[row, 300]]


def test_a_bad_channel_matches_nothing(rng):
    good = {p: g.copy() for p, g in GOOD.items()}
    good["U"][rows_of(3000.0, 1100.0)["U"]] = False
    assert len(match_points(images([(3000.0, 1100.0, 300)], rng), good, UNIT)["X"]) == 0


def test_the_wall_side_of_collection_is_left_out(rng):
    made = images([(3000.0, 1100.0, 300)], rng)
    made["X"] = np.roll(made["X"], 480, axis=0)
    assert len(match_points(made, GOOD, UNIT)["X"]) == 0


def test_charges_are_those_above_the_line_between_both_sides(rng):
    image = np.zeros((2, 200), np.float32)
    image[1, 92:109] = 100 * SHAPE
    tilted = image + np.linspace(-50, 150, 200, dtype=np.float32)
    for shown in (image, tilted):
        assert pulse_charges(shown, np.array([[1, 100]])) == pytest.approx([100 * SHAPE.sum()], rel=1e-5)
    assert pulse_charges(image, np.zeros((0, 2), int)).shape == (0,)
    assert SIDE_TICKS < 60, "isolated pulses are 60 ticks from the ends"


def test_columns_name_the_planes():
    found = columns(DETECTOR)
    assert found[-6:] == ["raw_U", "raw_V", "raw_X", "denoised_U", "denoised_V", "denoised_X"]
    assert found[:2] == ["detector", "task"]
