"""The launcher with real Horovod and torch.distributed on this machine, and what it does when a rank fails."""

import json
import shlex
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest
import torch

from helpers import job_environment, one_line_error, run_module
from protodune.core.tables import read_table
from protodune.learning.weights import load_weights
from trainings import prepared

SETTINGS = {
    "task": "denoise", "step": "denoise", "model": "unet", "network": "unet", "family": "collection", "trial": "t",
    "network_settings": {"widths": [4, 8]},
    "optimiser": {"epochs": 2, "global_batch": 12, "micro_batch": 2, "learning_rate": 1e-3, "deterministic": True},
}  # fmt: skip


@pytest.fixture(scope="module")
def patches(store_file, tmp_path_factory):
    return prepared(store_file, tmp_path_factory.mktemp("patches"), (32, 64), 46, 7)


def arguments(patches, output, settings=SETTINGS):
    files = ["--train", patches / "train.h5", "--val", patches / "val.h5"]
    return ["--settings", json.dumps(settings), *files, "--output", output]


LAUNCHERS = {
    "one": ("python", 1, "single process"),
    "horovod": ("python -m protodune.stages.learn.launch --ranks 2 --threads 1 -- python", 2, "horovod"),
    "three by torch": (
        "python -m protodune.stages.learn.launch --ranks 3 --threads 1 --backend torch -- python", 3, "torch.distributed"
    ),
    "more than micro-batches": ("python -m protodune.stages.learn.launch --ranks 7 --threads 1 -- python", 7, "horovod"),
    "six": ("python -m protodune.stages.learn.launch --ranks 6 --threads 1 -- python", 6, "horovod"),
    "horovodrun": ("horovodrun --gloo -np 2 -H localhost:2 python", 2, "horovod"),
    "torchrun": ("torchrun --standalone --nproc-per-node 2", 2, "torch.distributed"),
}  # fmt: skip


def start(launcher, *argv, timeout=200):
    command = [*shlex.split(launcher), "-m", "protodune.stages.learn.train", *map(str, argv)]
    return subprocess.run(command, env=job_environment(), capture_output=True, text=True, timeout=timeout, check=False)


@pytest.fixture(scope="module")
def one(patches, tmp_path_factory):
    """What one rank of one thread makes."""
    output = tmp_path_factory.mktemp("one")
    result = start("python", *arguments(patches, output), "--threads", "1")
    assert result.returncode == 0, result.stderr
    return output


@pytest.mark.parametrize("launcher", list(LAUNCHERS))
def test_any_number_of_ranks_trains_the_same_model_to_the_last_bit(launcher, patches, one, tmp_path):
    command, ranks, name = LAUNCHERS[launcher]
    result = start(command, *arguments(patches, tmp_path / "m"), "--threads", str(ranks))
    assert result.returncode == 0, result.stderr
    said = result.stderr + result.stdout
    assert f"{ranks} rank(s) by {name}, 1 thread(s) each" in said
    assert said.count("epoch 2/2") == 1, "rank 0 alone speaks"
    for a, b in zip(read_table(one / "history.tsv"), read_table(tmp_path / "m" / "history.tsv"), strict=True):
        for column in ("train_denoised", "val_denoised", "train_regions", "val_regions", "learning_rate"):
            assert float(a[column]) == pytest.approx(float(b[column]), rel=1e-5)
    (first, _), (second, _) = (load_weights(folder / "weights.safetensors") for folder in (one, tmp_path / "m"))
    for key, value in first.module.state_dict().items():
        assert torch.equal(value, second.module.state_dict()[key]), key


def test_a_rank_that_fails_ends_the_launch_with_the_reason(patches, tmp_path):
    settings = {**SETTINGS, "optimiser": {"global_batch": 60, "micro_batch": 3}}
    result = start(LAUNCHERS["horovod"][0], *arguments(patches, tmp_path / "m", settings))
    assert result.returncode == 1
    assert (
        "train: error: training: 46 training and 7 validation patches, expected at least global_batch = 60" in result.stderr
    )
    assert "launch: rank " in result.stderr
    assert not (tmp_path / "m").exists()


LONG = {**SETTINGS, "optimiser": {**SETTINGS["optimiser"], "epochs": 40}}


@pytest.fixture(scope="module")
def undisturbed(patches, tmp_path_factory):
    """What a longer training makes that nothing disturbs."""
    output = tmp_path_factory.mktemp("long")
    result = start("python", *arguments(patches, output, LONG), "--threads", "1")
    assert result.returncode == 0, result.stderr
    return output


def wait_for(condition, seconds=60.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.05)


@pytest.mark.parametrize("how", ["killed", "hung"])
def test_after_a_kill_or_a_hang_the_retry_goes_on_and_ends_with_the_same_weights(how, patches, undisturbed, tmp_path):
    """Rank 1 is killed or stopped in the middle: the launcher, or the watchdog, ends the rest.

    The watchdog's time begins with the process: on a loaded machine the imports alone may take five seconds.
    """
    argv = [*arguments(patches, tmp_path / "m", LONG), "--checkpoints", tmp_path / "c", "--checkpoint-minutes", "0"]
    argv += ["--threads", "2", "--watchdog-minutes", "0.2"]
    command = [*shlex.split(LAUNCHERS["horovod"][0]), "-m", "protodune.stages.learn.train", *map(str, argv)]
    running = subprocess.Popen(command, env=job_environment(), stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: list((tmp_path / "c").glob("epoch-*.pt")))
        ranks = psutil.Process(running.pid).children()
        victim = next(p for p in ranks if p.environ()["HOROVOD_RANK"] == "1")
        victim.send_signal(signal.SIGKILL if how == "killed" else signal.SIGSTOP)
        _, errors = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode not in (0, None)
    assert ("no progress for" in errors) == (how == "hung")
    assert not any(p.is_running() for p in ranks)
    assert not (tmp_path / "m").exists()
    again = start(LAUNCHERS["horovod"][0], *argv)
    assert again.returncode == 0, again.stderr
    assert "resumed after epoch" in again.stderr
    (a, _), (b, _) = (load_weights(folder / "weights.safetensors") for folder in (undisturbed, tmp_path / "m"))
    assert all(torch.equal(v, b.module.state_dict()[k]) for k, v in a.module.state_dict().items())
    assert not (tmp_path / "c").exists(), "a finished training leaves no checkpoints"


@pytest.mark.parametrize("backend", ["horovod", "torch"])
def test_a_port_that_is_taken_is_named(backend):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run_module("stages.learn.launch", "--ranks", "2", "--backend", backend, "--port", port, "--", "true")
    assert f"port {port} cannot be used (Address already in use)" in one_line_error(result, "launch")


def test_a_signal_to_the_launcher_ends_all_ranks():
    command = [sys.executable, "-m", "protodune.stages.learn.launch", "--ranks", "2", "--", "sleep", "100"]
    running = subprocess.Popen(command, env=job_environment(), stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: [p.name() for p in psutil.Process(running.pid).children()] == ["sleep"] * 2)
        ranks = psutil.Process(running.pid).children()
        running.terminate()
        assert running.wait(20) == 128 + signal.SIGTERM
    finally:
        running.kill()
    assert not any(p.is_running() for p in ranks)


def test_torch_without_a_launcher_is_told(patches, tmp_path):
    result = run_module("stages.learn.train", *arguments(patches, tmp_path / "m"), "--backend", "torch")
    assert "RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT not set; start the ranks with torchrun" in one_line_error(
        result, "train"
    )


def test_horovod_without_a_launcher_is_one_rank(patches, tmp_path):
    result = run_module("stages.learn.train", *arguments(patches, tmp_path / "m"), "--backend", "horovod")
    assert result.returncode == 0, result.stderr
    assert "1 rank(s) by horovod" in result.stderr


def test_a_training_without_patches_is_one_line(tmp_path):
    files = ["--train", tmp_path / "no.h5", "--val", tmp_path / "no.h5", "--output", tmp_path / "m"]
    result = run_module("stages.learn.train", "--settings", json.dumps(SETTINGS), *files)
    assert "run the stage 'prepare'" in one_line_error(result, "train")


def test_a_program_that_is_not_there_is_named():
    result = run_module("stages.learn.launch", "--ranks", "1", "--", "no_such_program")
    message = one_line_error(result, "launch")
    assert "rank 0: cannot start no_such_program (No such file or directory), expected a program on PATH" in message
