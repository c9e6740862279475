from __future__ import annotations

import json

import pytest

from helpers import as_json
from protodune.stages.learn import train
from protodune.stages.produce import infer_classical, infer_network
from trainings import prepared

TRAIN = {
    "task": "denoise", "step": "denoise", "model": "unet", "network": "unet", "family": "collection", "trial": "t",
    "network_settings": {"widths": [4, 8]},
    "optimiser": {"epochs": 20, "learning_rate": 1e-2, "global_batch": 4, "micro_batch": 2},
}  # fmt: skip


@pytest.fixture(scope="session")
def trained(store_file, tmp_path_factory):
    """A folder with patches, weights (in ``model``) and products of a tiny network and of a classical method."""
    folder = prepared(store_file, tmp_path_factory.mktemp("trained"), (32, 64), 8, 8)
    argv = ["--train", str(folder / "train.h5"), "--val", str(folder / "val.h5"), "--output", str(folder / "model")]
    assert train.main(["--settings", json.dumps(TRAIN), *argv]) == 0
    common = ["--step", "denoise", "--family", "collection", "--events", str(store_file)]
    argv = ["--method", "unet.t", "--weights", str(folder / "model" / "weights.safetensors")]
    argv += ["--output", str(folder / "unet.h5")]
    assert infer_network.main(["--settings", as_json(task="denoise", model="unet"), *common, *argv]) == 0
    settings = as_json(steps=["low_pass", "coherent", "deconvolve", "in_regions"])
    argv = ["--task", "denoise", "--method", "coherent", "--output", str(folder / "coherent.h5")]
    assert infer_classical.main(["--settings", settings, *common, *argv]) == 0
    return folder
