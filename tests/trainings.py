"""A training that takes a second, for tests of the loop."""

from __future__ import annotations

import torch

from helpers import as_json
from protodune.learning.patch_files import PatchFiles
from protodune.learning.registry import build_model
from protodune.stages.learn import prepare
from protodune.learning.training.checkpoint import RollingCheckpoints
from protodune.learning.training.distributed import SingleProcess
from protodune.learning.training.loop import Trainer
from protodune.learning.training.settings import OptimiserSettings, TrainingSettings

SETTINGS = TrainingSettings(
    "denoise", "unet", "unet", "collection", "t", network={"widths": [4, 8]},
    optimiser=OptimiserSettings(epochs=3, global_batch=4, micro_batch=2, calibration_patches=8),
)  # fmt: skip


def train(patches, checkpoints=None, settings=SETTINGS, ranks=None):
    torch.manual_seed(settings.seed)
    model = build_model(settings.architecture, settings.network, settings.task)
    files = PatchFiles([patches / "train.h5"]), PatchFiles([patches / "val.h5"])
    trainer = Trainer(model, settings, *files, ranks or SingleProcess())
    return trainer.fit(checkpoints or RollingCheckpoints(None, ""))


def numbers(history):
    return [(r.epoch, r.learning_rate, r.train_mse, r.val_mse) for r in history]


def prepared(store_file, folder, size, train, val):
    """A folder with train.h5, crops on collection, and val.h5, tiles, of height x width; so many of each."""
    for name, mode, count in (("train", "crop", train), ("val", "tile", val)):
        settings = as_json(mode=mode, height=size[0], width=size[1], per_image=count, signal_fraction=0.7)
        argv = ["--settings", settings, "--plane", "collection", "--events", str(store_file)]
        assert prepare.main([*argv, "--output", str(folder / f"{name}.h5")]) == 0
    return folder
