"""Real Horovod and torch.distributed on this machine: two ranks train the model that one rank trains."""

import json
import shlex
import subprocess

import pytest
import torch

from helpers import as_json, job_environment, one_line_error, run_module
from protodune.stages import prepare
from protodune.tables import read_table
from protodune.training.checkpoint import load_weights

SETTINGS = {
    "task": "denoise", "model": "unet", "architecture": "unet", "family": "collection", "trial": "t",
    "network": {"widths": [4, 8]}, "optimiser": {"epochs": 2, "global_batch": 8, "micro_batch": 2, "learning_rate": 1e-3},
}  # fmt: skip


@pytest.fixture(scope="module")
def patches(store_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("patches")
    for name, mode, count in (("train", "crop", 48), ("val", "tile", 7)):
        settings = as_json(mode=mode, height=32, width=64, per_image=count, signal_fraction=0.7)
        argv = ["--settings", settings, "--plane", "collection", "--events", str(store_file)]
        assert prepare.main([*argv, "--output", str(folder / f"{name}.h5")]) == 0
    return folder


def arguments(patches, output):
    files = ["--train", patches / "train.h5", "--val", patches / "val.h5"]
    return ["--settings", json.dumps(SETTINGS), *files, "--output", output, "--threads", "2"]


LAUNCHERS = {
    "horovod": "horovodrun --gloo -np 2 -H localhost:2 python",
    "torch.distributed": "torchrun --standalone --nproc-per-node 2",
    "single process": "python",
}


def train(patches, output, backend="single process"):
    command = [*shlex.split(LAUNCHERS[backend]), "-m", "protodune.stages.train", *map(str, arguments(patches, output))]
    result = subprocess.run(command, env=job_environment(), capture_output=True, text=True, timeout=200, check=False)
    assert result.returncode == 0, result.stderr
    return result


@pytest.mark.parametrize("backend", ["horovod", "torch.distributed"])
def test_two_ranks_train_the_model_of_one(backend, patches, tmp_path):
    train(patches, tmp_path / "one")
    result = train(patches, tmp_path / "two", backend)
    assert f"2 rank(s) by {backend}, 1 thread(s) each" in result.stderr + result.stdout
    assert (result.stderr + result.stdout).count("epoch 2/2") == 1, "rank 0 alone speaks"
    one, two = (read_table(tmp_path / name / "history.tsv") for name in ("one", "two"))
    for a, b in zip(one, two, strict=True):
        for column in ("train_mse", "val_mse", "learning_rate"):
            assert float(a[column]) == pytest.approx(float(b[column]), rel=1e-3)
    (first, _), (second, _) = (load_weights(tmp_path / name / "weights.safetensors") for name in ("one", "two"))
    start = torch.nn.utils.parameters_to_vector(first.parameters())
    difference = start - torch.nn.utils.parameters_to_vector(second.parameters())
    assert difference.abs().max() < 1e-3
    assert set(first.state_dict()) == set(second.state_dict())
    for name, value in first.state_dict().items():
        assert torch.allclose(value.float(), second.state_dict()[name].float(), atol=2e-3), name


def test_a_rank_that_fails_ends_the_launch_with_the_reason(patches, tmp_path):
    settings = {**SETTINGS, "optimiser": {"global_batch": 3, "micro_batch": 1}}
    argv = list(map(str, arguments(patches, tmp_path / "m")))
    argv[1] = json.dumps(settings)
    command = ["horovodrun", "--gloo", "-np", "2", "-H", "localhost:2", "python", "-m", "protodune.stages.train", *argv]
    result = subprocess.run(command, env=job_environment(), capture_output=True, text=True, timeout=200, check=False)
    assert result.returncode != 0
    assert "train: error: training: 2 ranks, but global_batch 3 / micro_batch 1 = 3 cannot be shared" in result.stderr
    assert not (tmp_path / "m").exists()


def test_torch_without_a_launcher_is_told(patches, tmp_path):
    result = run_module("stages.train", *arguments(patches, tmp_path / "m"), "--backend", "torch")
    assert "RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT not set; start the ranks with torchrun" in one_line_error(
        result, "train"
    )


def test_horovod_without_a_launcher_is_one_rank(patches, tmp_path):
    result = run_module("stages.train", *arguments(patches, tmp_path / "m"), "--backend", "horovod")
    assert result.returncode == 0, result.stderr
    assert "1 rank(s) by horovod" in result.stderr


def test_a_training_without_patches_is_one_line(tmp_path):
    files = ["--train", tmp_path / "no.h5", "--val", tmp_path / "no.h5", "--output", tmp_path / "m"]
    result = run_module("stages.train", "--settings", json.dumps(SETTINGS), *files)
    assert "run the stage 'prepare'" in one_line_error(result, "train")
