"""The model of scaling, against numbers that are known."""

import pytest

from protodune.measure.scaling import Network, dunedn_points, fit_network, rank_counts, speed_up, step_seconds


def test_a_known_network_is_found_again():
    truth = Network(alpha=2e-4, beta=1e9, overhead=3e-3)
    timings = [(n, size, truth.all_reduce(n, size)) for n in (1, 2, 4, 8) for size in (4, 2e6, 3e7)]
    found = fit_network(timings)
    assert (found.alpha, found.beta, found.overhead) == pytest.approx((2e-4, 1e9, 3e-3), rel=1e-6)
    two = fit_network([t for t in timings if t[0] <= 2])
    assert two.overhead == 0
    assert two.all_reduce(2, 2e6) == pytest.approx(truth.all_reduce(2, 2e6), rel=0.05)
    assert fit_network([(1, 4, 1.0)]) is None
    assert truth.all_reduce(1, 1e9) == 0


def test_ring_by_hand():
    # Three ranks: four messages of 1 ms, and 2 * 2 / 3 of 3 MB at 1 GB/s.
    assert Network(1e-3, 1e9).all_reduce(3, 3e6) == pytest.approx(4e-3 + 4e-3)


def test_steps_and_speed_up():
    network = Network(0.0, 1e30)
    assert step_seconds("strong", 4, 1.0, 8, 1e6, network) == pytest.approx(0.25)
    assert step_seconds("strong", 3, 1.0, 8, 1e6, network) == pytest.approx(3 / 8), "one rank has three micro-batches"
    assert step_seconds("strong", 100, 1.0, 8, 1e6, network) == pytest.approx(1 / 8)
    assert step_seconds("weak", 100, 1.0, 8, 1e6, network) == pytest.approx(1.0)
    assert speed_up("strong", 4, 1.0 / 0.25) == pytest.approx(4)
    assert speed_up("weak", 4, 1.0 / 1.25) == pytest.approx(3.2)


def test_the_reference_is_what_the_issue_of_its_authors_says():
    twelve = {p["network"]: p for p in dunedn_points() if p["ranks"] == 12}
    assert twelve["CNN"]["speedup"] == pytest.approx(8.6, abs=0.05)
    assert twelve["CNN"]["efficiency"] == pytest.approx(0.72, abs=0.005)
    assert twelve["GCNN"]["speedup"] == pytest.approx(4.0, abs=0.05)
    assert twelve["GCNN"]["efficiency"] == pytest.approx(0.335, abs=0.005)


def test_numbers_of_ranks():
    assert rank_counts(1) == [1]
    assert rank_counts(12) == [1, 2, 3, 4, 6, 8, 12]
    assert rank_counts(5) == [1, 2, 3, 4, 5]
