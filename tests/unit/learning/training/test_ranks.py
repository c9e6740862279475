"""What many ranks do, one at a time: shares, sums, schedules for large batches, the watchdog."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import torch

from helpers import job_environment
from protodune.core.errors import ProtoduneError
from protodune.learning.network import build_network
from protodune.learning.patch_files import PatchFiles
from protodune.learning.patches import PatchSettings, write_patches
from protodune.learning.training.data import epoch_order
from protodune.learning.training.distributed import SingleProcess, _groups, _Ranks, choose
from protodune.learning.training.epochs import Trainer
from protodune.learning.training.optimisers import Lamb, Lars, make_optimiser, peak_rate
from protodune.learning.training.run import micro_batches
from protodune.learning.training.settings import OptimiserSettings
from protodune.learning.training.watchdog import EXIT_CODE
from trainings import SETTINGS, train


class OneOf(SingleProcess):
    """A rank of several that never hears of the others."""

    def __init__(self, rank, size):
        self.rank, self.size = rank, size


class Recorded(PatchFiles):
    """Patch files that know what was read from them."""

    def __init__(self, paths):
        super().__init__(paths)
        self.seen = []

    def read(self, indices, with_clean=False):
        self.seen += indices.tolist()
        return super().read(indices, with_clean)


@pytest.fixture(scope="module")
def shards(store_file, tmp_path_factory):
    """Twelve patch files of uneven sizes, 1 to 4 patches each."""
    folder = tmp_path_factory.mktemp("shards")
    for number in range(12):
        settings = PatchSettings("crop", 16, 16, 1 + number % 4, 0.7, seed=number)
        write_patches(store_file, "collection", settings, folder / f"{number}.h5")
    return [folder / f"{number}.h5" for number in range(12)]


def test_twelve_ranks_on_twelve_uneven_shards_read_every_patch_once_per_epoch(shards):
    optimiser = OptimiserSettings(epochs=1, global_batch=12, micro_batch=1, calibration_patches=0)
    settings = dataclasses.replace(SETTINGS, network_settings={"widths": [2, 4]}, optimiser=optimiser)
    seen = []
    for rank in range(12):
        train_files, val_files = Recorded(shards), Recorded(shards[:1])
        network = build_network("unet", settings.network_settings, "denoise")
        trainer = Trainer(network, settings, train_files, val_files, OneOf(rank, 12))
        for number in range(trainer.steps_per_epoch):
            trainer.stepper.step(epoch_order(len(train_files), 1, 1)[number * 12 : (number + 1) * 12], 1, 1e-3)
        assert 2 <= len(train_files.seen) <= 3, "a rank reads its share and no more"
        seen += train_files.seen
    assert sorted(seen) == list(range(30))


def test_the_order_is_another_in_every_epoch_and_shares_cover_it_for_any_number_of_ranks():
    order = epoch_order(97, seed=1, epoch=2)
    assert sorted(order) == list(range(97))
    assert not np.array_equal(order, epoch_order(97, seed=1, epoch=3))
    for size in (1, 2, 3, 5, 12):
        parts = [part for rank in range(size) for part in micro_batches(order, 4, rank, size)]
        assert sorted(np.concatenate(parts)) == list(range(97))


def test_more_ranks_than_patches_are_refused(patches):
    with pytest.raises(ProtoduneError, match="30 ranks for 24 training patches, expected at most one per patch"):
        train(patches, ranks=OneOf(0, 30))


def test_ranks_that_will_wait_are_warned_of(patches, caplog):
    train(patches, ranks=OneOf(0, 3))
    assert "2 micro-batches per step (global_batch 4 / micro_batch 2) do not divide among 3 ranks" in caplog.text


class Doubled(_Ranks):
    """Two ranks that always hold the same."""

    rank, size, local_rank, local_size, name = 0, 2, 0, 2, "twins"

    def __init__(self):
        self.sent = []

    def _begin(self, flat):
        self.sent.append((flat.dtype, flat.numel()))
        return lambda: flat * 2

    def _broadcast(self, tensor):
        pass


def test_gradients_travel_fused_and_compressed():
    tensors = [torch.full((size,), 1 / 3) for size in (1000, 500, 3000, 10)]
    ranks = Doubled()
    ranks.begin_sum(tensors)()
    assert ranks.sent == [(torch.float32, 4510)]
    assert all(torch.equal(t, torch.full_like(t, 1 / 3) * 2) for t in tensors)
    ranks = Doubled()
    ranks.begin_sum(tensors, torch.bfloat16, megabytes=6e-3)()
    assert ranks.sent == [(torch.bfloat16, 1500), (torch.bfloat16, 3000), (torch.bfloat16, 10)]
    assert tensors[0].dtype == torch.float32
    assert torch.allclose(tensors[0], torch.tensor(4 / 3), rtol=2**-8)
    assert not torch.equal(tensors[0], torch.full((1000,), 1 / 3) * 4), "it was rounded"
    assert ranks.share(b"abc") == b"abc"
    assert list(_groups([], 1)) == []


def test_compression_float16_and_bfloat16_train(patches):
    for compression in ("float16", "bfloat16"):
        optimiser = dataclasses.replace(SETTINGS.optimiser, compression=compression)
        _, history = train(patches, settings=dataclasses.replace(SETTINGS, optimiser=optimiser), ranks=Doubled())
        assert history[-1].train["denoised"] < history[0].train["denoised"]


@pytest.mark.parametrize(
    ("scaling", "batch", "rate"), [("none", 64, 0.1), ("linear", 64, 0.8), ("sqrt", 32, 0.2), ("linear", 8, 0.1)]
)
def test_the_rate_follows_the_batch_if_wanted(scaling, batch, rate):
    settings = OptimiserSettings(learning_rate=0.1, global_batch=batch, rate_scaling=scaling, reference_batch=8)
    assert peak_rate(settings) == pytest.approx(rate)


def step_of(kind, gradient, steps=1, **options):
    weights = torch.nn.Parameter(torch.tensor([[3.0, 4.0]]))
    bias = torch.nn.Parameter(torch.tensor([1.0]))
    optimiser = kind([weights, bias], **options)
    for _ in range(steps):
        weights.grad, bias.grad = torch.tensor([gradient]), torch.tensor([0.5])
        optimiser.step()
    return weights.data[0].tolist(), bias.item()


def test_lars_by_hand():
    # |w| = 5, |g| = 2: ratio 0.001 * 5 / 2; the bias takes plain momentum.
    weights, bias = step_of(Lars, [2.0, 0.0], lr=1.0, weight_decay=0.0)
    assert weights == pytest.approx([3 - 0.0025 * 2, 4])
    assert bias == pytest.approx(0.5)
    _, bias = step_of(Lars, [2.0, 0.0], steps=2, lr=0.1, weight_decay=0.0)
    assert bias == pytest.approx(1 - 0.05 - (0.9 * 0.05 + 0.05))


def test_lamb_by_hand():
    # Adam's first step is the sign of the gradient (1, -1), scaled to the norm of the weights: 5 / sqrt(2).
    weights, bias = step_of(Lamb, [2.0, -7.0], lr=0.1, weight_decay=0.0)
    assert weights == pytest.approx([3 - 0.1 * 5 / 2**0.5, 4 + 0.1 * 5 / 2**0.5], rel=1e-5)
    assert bias == pytest.approx(0.9, rel=1e-5)
    zero = torch.nn.Parameter(torch.zeros(2, 2))
    optimiser = Lamb([zero], lr=0.1, weight_decay=0.0)
    zero.grad = torch.ones(2, 2)
    optimiser.step()
    assert torch.allclose(zero, torch.tensor(-0.1)), "weights of zero take the plain step"


@pytest.mark.parametrize(("algorithm", "rate"), [("lars", 0.5), ("lamb", 0.02)])
def test_they_train(algorithm, rate, patches):
    optimiser = dataclasses.replace(SETTINGS.optimiser, algorithm=algorithm, learning_rate=rate)
    _, history = train(patches, settings=dataclasses.replace(SETTINGS, optimiser=optimiser))
    assert history[-1].train["denoised"] < 0.9 * history[0].train["denoised"]


def test_an_optimiser_takes_a_closure():
    weights = torch.nn.Parameter(torch.ones(2, 2))
    optimiser = make_optimiser([weights], OptimiserSettings(algorithm="lamb"))
    assert optimiser.step(lambda: 7.0) == 7.0


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", code], env=job_environment(), capture_output=True, text=True, timeout=60, check=False
    )


def test_the_watchdog_ends_a_rank_that_hangs_and_shows_where():
    result = run_python(
        "import time; from protodune.learning.training.watchdog import Watchdog\n"
        "dog = Watchdog(0.01, 3); dog.progress('epoch 1, step 7')\n"
        "def stuck(): time.sleep(50)\n"
        "stuck()"
    )
    assert result.returncode == EXIT_CODE
    assert "rank 3: no progress for 0.0 minutes in epoch 1, step 7" in result.stderr
    assert "in stuck" in result.stderr


def test_the_watchdog_leaves_alone_what_goes_on():
    result = run_python(
        "import time; from protodune.learning.training.watchdog import Watchdog\n"
        "dog = Watchdog(0.01, 0)\n"
        "for i in range(10): time.sleep(0.15); dog.progress(str(i))\n"
        "dog.stop(); time.sleep(1); Watchdog(0, 0); time.sleep(0.5)"
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("variables", "choice"),
    [
        ({}, ("none", "no launcher")),
        ({"HOROVOD_RANK": "0"}, ("horovod", "horovodrun")),
        ({"TORCHELASTIC_RUN_ID": "x"}, ("torch", "torchrun")),
        ({"PROTODUNE_BACKEND": "torch", "HOROVOD_RANK": "0"}, ("torch", "the launcher")),
    ],
)
def test_the_launcher_decides_the_backend(variables, choice, monkeypatch):
    for name in ("HOROVOD_RANK", "TORCHELASTIC_RUN_ID", "PROTODUNE_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    backend, reason = choose("auto")
    assert (backend, reason[: len(choice[1])]) == choice
    assert choose("none") == ("none", "as asked for")
