"""The table of the scaling study, from made-up measurements."""

import subprocess
import sys

import pytest

from helpers import job_environment
from protodune.core.errors import ProtoduneError
from protodune.launch import scaling
from protodune.launch.scaling import COLUMNS, Study, scaling_rows


def steps(mode, ranks):
    """What ``time_steps`` would write: a second for 8 images, 10 ms of communication."""
    images = 8 * (ranks if mode == "weak" else 1)
    return {
        "ranks": ranks, "mode": mode, "backend": "made up", "step_s": (1.0 if mode == "weak" else 1 / ranks) + 0.01,
        "data_s": 0.1, "communication_s": 0.01, "images_per_step": images, "micro_batches": images // 2,
        "mpixel_per_step": images / 100, "gradient_bytes": 1_000_000, "message_s": 1e-3 * ranks, "reduction_s": 2e-3 * ranks,
    }  # fmt: skip


def test_rows_of_measurements_and_of_the_model(monkeypatch):
    monkeypatch.setattr(scaling, "_measure", lambda study, mode, ranks, output: steps(mode, ranks))
    rows = scaling_rows(Study('{"model": "tiny"}', ["p.h5"], [2, 4], offered=4, repeats=2))
    assert all(set(row) == set(COLUMNS) for row in rows)
    assert {row["network"] for row in rows} == {"tiny"}
    measured = {(r["mode"], r["ranks"]): r for r in rows if r["kind"] == "measured"}
    assert sorted(measured) == [("strong", 1), ("strong", 2), ("strong", 4), ("weak", 1), ("weak", 2), ("weak", 4)]
    assert measured["strong", 1]["speedup"] == 1
    assert measured["strong", 4]["speedup"] == pytest.approx(1.01 / 0.26)
    assert measured["weak", 4]["images_per_s"] == pytest.approx(32 / 1.01)
    assert measured["weak", 4]["compute_s"] == pytest.approx(1.01 - 0.1 - 0.01)
    assert {r["ranks"] for r in rows if r["kind"] == "model"} == {12, 64, 1024}


def test_more_ranks_than_there_is_room_for():
    with pytest.raises(ProtoduneError, match=r"8 ranks wanted, but only 2 are offered; lower scaling\.ranks"):
        scaling_rows(Study("{}", ["p.h5"], [8], offered=2))


def test_the_launcher_starts_without_torch_and_horovod():
    code = (
        "import sys, protodune.stages.learn.launch, protodune.launch.rendezvous\n"
        "print(sorted({'torch', 'horovod', 'numpy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], env=job_environment(), capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
