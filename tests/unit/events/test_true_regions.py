import numpy as np
import pytest

from helpers import small_sample
from protodune.events.store import EventStore
from protodune.events.true_regions import _largest_two, true_regions
from protodune.rawio.flat import write_flat
from protodune.simulation.events import simulate_events
from protodune.stages.produce import convert

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
