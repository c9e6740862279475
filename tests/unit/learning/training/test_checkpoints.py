"""Checkpoints: written whole, read only when whole, resumed exactly, and never the end of a training."""

import dataclasses
import logging
import resource
import signal
import subprocess
import sys

import pytest
import torch

from helpers import job_environment
from protodune.core.errors import ProtoduneError
from protodune.learning.training import epochs
from protodune.learning.training.checkpoint import RollingCheckpoints, restored
from trainings import SETTINGS, numbers, train


class Interrupted(Exception):
    pass


class StopAfter(RollingCheckpoints):
    """Stops the training right after a given checkpoint, as a kill would."""

    def __init__(self, folder, epoch, step):
        super().__init__(folder, "same", minutes=0)
        self._stop = (epoch, step)

    def save(self, epoch, step, state):
        super().save(epoch, step, state)
        if (epoch, step) == self._stop:
            raise Interrupted


@pytest.mark.parametrize("changes", [{}, {"deterministic": True, "ema_decay": 0.9, "algorithm": "lamb"}])
@pytest.mark.parametrize("stop", [(2, 0), (1, 4)])
def test_an_interrupted_training_resumes_exactly(stop, changes, patches, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(epochs, "AGREE_EVERY", 2)
    settings = dataclasses.replace(SETTINGS, optimiser=dataclasses.replace(SETTINGS.optimiser, **changes))
    expected, history = train(patches, settings=settings)
    with pytest.raises(Interrupted):
        train(patches, StopAfter(tmp_path / "c", *stop), settings)
    state, resumed = train(patches, RollingCheckpoints(tmp_path / "c", "same"), settings)
    torch.use_deterministic_algorithms(False)
    assert f"resumed after epoch {stop[0]}" + (f", step {stop[1]}" if stop[1] else "") in caplog.text
    assert numbers(resumed) == numbers(history)
    assert all(torch.equal(state[k], expected[k]) for k in state)


def test_of_other_settings_or_torn_ones_are_not_resumed(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    store = RollingCheckpoints(tmp_path, "a")
    for epoch in (1, 2, 3):
        store.save(epoch, 0, {"x": epoch})
    assert len(list(tmp_path.iterdir())) == 2, "the last two are kept"
    assert RollingCheckpoints(tmp_path, "b").latest() == b""
    newest = sorted(tmp_path.iterdir())[-1]
    content = newest.read_bytes()
    newest.write_bytes(content[:100])
    assert restored(store.latest())["epoch"] == 2
    assert "torn" in caplog.text
    newest.write_bytes(content[:-40] + bytes(20) + content[-20:])  # the same size, other bytes
    assert restored(store.latest())["epoch"] == 2
    newest.write_bytes(content)
    assert restored(store.latest())["epoch"] == 3
    store.clear()
    assert not tmp_path.exists()


def test_steps_within_an_epoch_come_after_its_start(tmp_path):
    store = RollingCheckpoints(tmp_path, "a")
    for epoch, step in ((1, 0), (1, 32), (1, 64)):
        store.save(epoch, step, {"x": step})
    assert restored(store.latest())["step"] == 64
    store.save(2, 0, {"x": 0})
    assert restored(store.latest())["epoch"] == 2


def test_a_full_disk_leaves_the_training_and_the_checkpoints_alone(tmp_path, caplog):
    """The limit on a file's size fails a write as a full disk does."""
    store = RollingCheckpoints(tmp_path, "a")
    store.save(1, 0, {"x": torch.zeros(10)})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        store.save(2, 0, {"x": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert "no checkpoint after epoch 2, step 0" in caplog.text
    assert "training goes on" in caplog.text
    assert restored(store.latest())["epoch"] == 1
    assert len(list(tmp_path.iterdir())) == 1, "nothing half-written stays"


def test_they_cost_at_most_a_fiftieth(tmp_path):
    store = RollingCheckpoints(tmp_path, "a", minutes=10)
    assert store.affordable(), "the first is free"
    store.save(1, 0, {"x": torch.zeros(2_000_000)})
    assert not store.affordable()
    assert not store.due()
    assert RollingCheckpoints(tmp_path, "a", minutes=0).due()
    assert not RollingCheckpoints(None, "a", minutes=0).due()


def test_two_trainings_into_one_folder_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "123")
    RollingCheckpoints(tmp_path, "a").lock()  # let go at once, with its object
    first = RollingCheckpoints(tmp_path, "a")
    first.lock()
    code = f"from protodune.learning.training.checkpoint import *; RollingCheckpoints({str(tmp_path)!r}, 'a').lock()"
    result = subprocess.run(
        [sys.executable, "-c", code], env=job_environment(), capture_output=True, text=True, timeout=100, check=False
    )
    assert result.returncode
    assert "job 123 is training into this folder, expected nobody" in result.stderr
    first.clear()
    assert not tmp_path.exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ProtoduneError, match="expected a folder for checkpoints"):
        RollingCheckpoints(tmp_path / "file" / "c", "a").lock()
