"""A training that takes a second, for tests of the loop."""

from __future__ import annotations

import torch

from helpers import as_json
from protodune.learning.network import build_network
from protodune.learning.patch_files import PatchFiles
from protodune.learning.training.checkpoint import RollingCheckpoints
from protodune.learning.training.distributed import SingleProcess
from protodune.learning.training.epochs import Trainer
from protodune.learning.training.settings import OptimiserSettings, TrainingSettings
from protodune.stages.learn import prepare

SETTINGS = TrainingSettings(
    "denoise", "denoise", "unet", "unet", "collection", "t", network_settings={"widths": [4, 8]},
    optimiser=OptimiserSettings(epochs=3, global_batch=4, micro_batch=2, calibration_patches=8),
)  # fmt: skip


def train(patches, checkpoints=None, settings=SETTINGS, ranks=None):
    torch.manual_seed(settings.seed)
    network = build_network(settings.network, settings.network_settings, settings.task)
    files = PatchFiles([patches / "train.h5"]), PatchFiles([patches / "val.h5"])
    trainer = Trainer(network, settings, *files, ranks or SingleProcess())
    return trainer.fit(checkpoints or RollingCheckpoints(None, ""))


def numbers(history):
    return [(r.epoch, r.learning_rate, r.train["denoised"], r.val["denoised"]) for r in history]


def prepared(store_file, folder, size, train, val, **settings):
    """A folder with train.h5, crops on collection, and val.h5, tiles, of height x width; so many of each."""
    for name, mode, count in (("train", "crop", train), ("val", "tile", val)):
        text = as_json(mode=mode, height=size[0], width=size[1], per_image=count, signal_fraction=0.7, **settings)
        argv = ["--settings", text, "--family", "collection", "--events", str(store_file)]
        assert prepare.main([*argv, "--output", str(folder / f"{name}.h5")]) == 0
    return folder
