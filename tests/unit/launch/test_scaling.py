"""The table of a scaling study, from runs whose times are known."""

import pytest

from protodune.launch import scaling


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
    medians = {key: scaling.median([found], [medians[key[0], 1]]) for key, found in medians.items()}
    rows = {(r["kind"], r["mode"], r["ranks"]): r for r in scaling.table(medians, 3)}
    assert len(rows) == 4 + 6
    assert rows["measured", "strong", 2]["speedup"] == pytest.approx(1 / 0.6)
    assert rows["measured", "weak", 2]["efficiency"] == pytest.approx(1 / 1.1)
    assert rows["measured", "weak", 2]["images_per_s"] == pytest.approx(32 / 1.1)
    assert rows["measured", "strong", 2]["compute_s"] == pytest.approx(0.49)
    model = rows["model", "weak", 64]
    assert model["speedup"] == pytest.approx(64 / model["step_s"])
    assert model["images_per_s"] == pytest.approx(64 * 16 / model["step_s"])
    assert rows["model", "strong", 1024]["step_s"] > 1 / 8, "eight micro-batches feed eight ranks"
    alone = scaling.table({k: v for k, v in medians.items() if k[1] == 1}, 3)
    assert {r["kind"] for r in alone} == {"measured"}, "one rank tells nothing about communication"


def test_runs_are_compared_within_their_round():
    alone = [result(1, seconds, 0.0, 16) for seconds in (1.0, 2.0, 1.0)]  # the second round was disturbed
    runs = [result(2, seconds, 0.1, 16) for seconds in (0.6, 1.2, 0.5)]
    found = scaling.median(runs, alone)
    assert found["ratio"] == pytest.approx(1 / 0.6)
    assert found["step_s"] == pytest.approx(0.6)
