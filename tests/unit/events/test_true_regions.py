import numpy as np
import pytest

from helpers import small_sample
from protodune.rawio.flat import write_flat
from protodune.simulation.events import simulate_events
from protodune.stages.produce import convert
from protodune.stages.publish.draw_event import interesting_channels
from protodune.stages.measure.measure import good_regions
from protodune.events.store import EventStore
from protodune.events.true_regions import TrueRegions, _largest_two, true_regions

MIP_MEV_PER_CM = 1.7


@pytest.fixture(scope="module")
def tracks(tmp_path_factory):
    """A store of an event with tracks at 60 degrees across V, by density of ionisation in MeV/cm."""
    folder, made = tmp_path_factory.mktemp("tracks"), {}

    def make(mev_per_cm):
        if mev_per_cm not in made:
            simulation = {
                "preset": "clean", "content": "ideal_tracks", "ideal_theta_xz_deg": (60.0,), "ideal_plane": "V",
                "ticks": 6000, "ideal_mev_per_cm": mev_per_cm,
                "effects": {"coherent_noise": False, "pedestal_spread": False},
            }  # fmt: skip
            source = folder / f"{mev_per_cm}.root"
            write_flat(source, simulate_events(small_sample(simulation=simulation)), 6000, {})
            made[mev_per_cm] = source.with_suffix(".h5")
            convert.run(convert.ConvertSettings("t", "simulation"), str(source), None, str(made[mev_per_cm]))
        return made[mev_per_cm]

    return make


def test_a_minimum_ionising_track_has_its_angle_and_one_mip(tracks):
    with EventStore(tracks(MIP_MEV_PER_CM)) as store:
        found = true_regions(store, "V", 0)
        whole = store.charge_image("V", 0).sum()
    single = np.isfinite(found.ionisation)
    assert single.sum() > 100
    np.testing.assert_allclose(found.theta_deg[single], 60, atol=0.01)
    assert np.median(found.ionisation[single]) == pytest.approx(1, abs=0.06)
    assert found.electrons.sum() == pytest.approx(whole, rel=0.02), "little lies outside the regions"
    assert (found.share <= 1).all()
    assert (found.second <= found.share).all()
    assert ((found.end - found.begin) % 10 == 0).all()


def test_denser_ionisation_is_seen_less_recombination(tracks):
    with EventStore(tracks(3 * MIP_MEV_PER_CM)) as store:
        found = true_regions(store, "V", 0)
    # Modified box model: 3 x 1.7 MeV/cm leave 2.5 times the electrons of 1.7 MeV/cm.
    assert np.nanmedian(found.ionisation) == pytest.approx(2.5, abs=0.2)


def test_the_two_largest_of_each_region():
    region = np.array([0, 0, 0, 2, 2, 2, 2])
    particle = np.array([5, 7, 5, 1, 2, 3, 2])
    electrons = np.array([1.0, 9, 2, 4, 3, 1, 3])
    first, most, second = _largest_two(region, particle, electrons, 4)
    assert first.tolist() == [7, -1, 2, -1]
    assert most.tolist() == [9, 0, 6, 0]
    assert second.tolist() == [3, 0, 4, 0]


def test_regions_of_bad_channels_are_left_out_and_rows_count_the_good_ones(tracks):
    with EventStore(tracks(MIP_MEV_PER_CM)) as store:
        every = true_regions(store, "V", 0)
        good = np.ones(800, bool)
        good[every.row[0]] = False
        kept = good_regions(store, "V", 0, good)
    left = every.row[every.row != every.row[0]]
    np.testing.assert_array_equal(np.flatnonzero(good)[kept.row], left)


def regions(**columns):
    n = len(columns["row"])
    plain = {"particle": np.arange(n), "share": np.ones(n), "second": np.zeros(n), "ionisation": np.ones(n)}
    values = {k: np.asarray(v) for k, v in (plain | columns).items()}
    values.setdefault("end", values["begin"] + 20)
    return TrueRegions(**values)


def test_channels_to_look_at_are_picked_by_their_tracks():
    truth = np.zeros((30, 1000), np.float32)
    truth[3, 100] = 50
    flat = {"row": range(6), "theta_deg": [10.0] * 6, "particle": [1] * 6, "electrons": [1, 2, 3, 9, 8, 7]}
    steep = {"row": [20, 21], "theta_deg": [80.0, 85.0], "particle": [2, 2], "electrons": [5, 5]}
    both = {"row": [25], "theta_deg": [np.nan], "particle": [1], "electrons": [9]}
    columns = {k: [*flat[k], *steep[k], *both[k]] for k in flat}
    found = regions(
        **columns, begin=np.full(9, 100), end=np.array([120] * 6 + [300, 200, 150]),
        second=np.array([0.0] * 8 + [0.4]), ionisation=np.array([1.0] * 8 + [np.nan]),
    )  # fmt: skip
    cases = {case: (row, tick) for case, row, tick in interesting_channels(truth, found)}
    assert cases == {"isochronous track": (5, 110), "prolonged track": (20, 200), "overlapping tracks": (25, 125)}


def test_channels_to_look_at_without_particles_or_without_signal():
    truth = np.zeros((30, 1000), np.float32)
    assert [case for case, _, _ in interesting_channels(truth)] == ["no signal"]
    truth[3, 100], truth[7, 400:500] = 50, 10
    assert interesting_channels(truth) == [("highest pulse", 3, 100), ("longest signal", 7, 449)]
    nothing = regions(row=[], begin=np.zeros(0), theta_deg=[], electrons=[])
    assert interesting_channels(truth, nothing) == interesting_channels(truth)
