"""The model of scaling, against numbers that are known."""

import pytest

from protodune.measure.scaling import Network, dunedn_points, fit_network, rank_counts, speed_up, step_seconds
from protodune.stages.learn import measure_scaling


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


def result(ranks, step, communication, images):
    return {
        "step_s": step, "data_s": 0.01, "communication_s": communication, "images_per_step": images, "micro_batches": 8,
        "mpixel_per_step": images / 10, "gradient_bytes": 2_000_000, "message_s": 1e-3 * (ranks - 1),
        "reduction_s": 4e-3 * (ranks - 1), "backend": "b",
    }  # fmt: skip


def test_the_table_has_what_was_measured_and_the_model():
    medians = {
        ("strong", 1): result(1, 1.0, 0.0, 16), ("strong", 2): result(2, 0.6, 0.1, 16),
        ("weak", 1): result(1, 1.0, 0.0, 16), ("weak", 2): result(2, 1.1, 0.1, 32),
    }  # fmt: skip
    medians = {key: measure_scaling.median([found], [medians[key[0], 1]]) for key, found in medians.items()}
    rows = {(r["kind"], r["mode"], r["ranks"]): r for r in measure_scaling.table(medians, 3)}
    assert len(rows) == 4 + 6
    assert rows["measured", "strong", 2]["speedup"] == pytest.approx(1 / 0.6)
    assert rows["measured", "weak", 2]["efficiency"] == pytest.approx(1 / 1.1)
    assert rows["measured", "weak", 2]["images_per_s"] == pytest.approx(32 / 1.1)
    assert rows["measured", "strong", 2]["compute_s"] == pytest.approx(0.49)
    model = rows["model", "weak", 64]
    assert model["speedup"] == pytest.approx(64 / model["step_s"])
    assert model["images_per_s"] == pytest.approx(64 * 16 / model["step_s"])
    assert rows["model", "strong", 1024]["step_s"] > 1 / 8, "eight micro-batches feed eight ranks"
    alone = measure_scaling.table({k: v for k, v in medians.items() if k[1] == 1}, 3)
    assert {r["kind"] for r in alone} == {"measured"}, "one rank tells nothing about communication"


def test_runs_are_compared_within_their_round():
    alone = [result(1, seconds, 0.0, 16) for seconds in (1.0, 2.0, 1.0)]  # the second round was disturbed
    runs = [result(2, seconds, 0.1, 16) for seconds in (0.6, 1.2, 0.5)]
    found = measure_scaling.median(runs, alone)
    assert found["ratio"] == pytest.approx(1 / 0.6)
    assert found["step_s"] == pytest.approx(0.6)
