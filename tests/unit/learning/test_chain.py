"""A step that reads what an earlier one made: three classes per pixel behind a denoiser, from patches to a product."""

import dataclasses
import json

import h5py
import numpy as np
import pytest

from helpers import one_line_error, run_module
from plugins.pixel_task import NOTHING, OTHER, TRACK, pixel_classes
from protodune.core.errors import ProtoduneError
from protodune.core.tables import read_table
from protodune.events.making import make_products
from protodune.events.products import Products
from protodune.events.store import EventStore
from protodune.learning.chain import parse_inputs
from protodune.learning.features.cleaned import cleaned_features
from protodune.learning.featureset import input_of
from protodune.learning.method import NetworkSettings, infer_sample, load_method, refined
from protodune.learning.patch_files import PatchFiles
from protodune.learning.patches import PatchSettings, write_patches
from protodune.learning.training.fit import Job, train_network
from protodune.learning.training.settings import OptimiserSettings, TrainingSettings
from protodune.tasks.spec import find_task

TASK, NETWORK = "plugins.pixel_task", "plugins.pixel_network"
TRAINING = TrainingSettings(
    TASK, "pixels", "small", NETWORK, "collection", "t", network_settings={"width": 6},
    optimiser=OptimiserSettings(epochs=4, global_batch=4, micro_batch=4, learning_rate=2e-2, calibration_patches=16),
)  # fmt: skip


def write_product(store_file, path, task="denoise", family="collection", names=("denoised", "regions")):
    """A product of a step that denoises perfectly."""

    def perfect(store, group):
        clean = [store.clean(p.plane.name, p.image) for p in group]
        made = [{"denoised": c, "regions": (np.abs(c) > 3).astype(np.float32)} for c in clean]
        return [{name: images[name] for name in names} for images in made]

    outputs = [o for o in find_task("denoise").outputs if o.name in names]
    make_products(perfect, str(store_file), family, outputs, str(path), {"task": task, "step": "clean", "method": "perfect"})
    return path


@pytest.fixture(scope="module")
def chain(store_file, tmp_path_factory):
    """A folder with a denoised product, patches, weights and the product of the classes."""
    folder = tmp_path_factory.mktemp("chain")
    first = write_product(store_file, folder / "first.h5")
    with Products(first) as products:
        for name, mode, count in (("train", "crop", 48), ("val", "tile", 8)):
            settings = PatchSettings(mode, 48, 64, count, 0.8, features="cleaned", task=TASK)
            write_patches(store_file, "collection", settings, folder / f"{name}.h5", {"clean": products})
    job = Job([str(folder / "train.h5")], [str(folder / "val.h5")])
    train_network(TRAINING, job, folder / "model")
    method = load_method(NetworkSettings(TASK, "small"), "collection", str(folder / "model/weights.safetensors"))
    infer_sample(method, "pixels", "small.t", str(store_file), str(folder / "classes.h5"), {"clean": str(first)})
    return folder


def test_patches_hold_the_tasks_labels(chain, store_file):
    files = PatchFiles([chain / "train.h5"])
    assert (files.task, files.features, files.labels, files.augment) == (TASK, "cleaned", ["classes"], "none")
    found = files.read(np.arange(48))
    assert found.clean is None
    assert set(np.unique(found.labels["classes"])) <= {NOTHING, TRACK, OTHER, 255}
    with h5py.File(chain / "train.h5") as file, EventStore(store_file) as store, Products(chain / "first.h5") as products:
        assert file["labels/classes"].dtype == np.uint8
        assert "clean" not in file
        _, _, row, tick = file["origin"][7]
        window = slice(row, row + 48), slice(tick, tick + 64)
        assert np.array_equal(found.labels["classes"][7, 0], pixel_classes(store, "X", 0)[window])
        wanted = cleaned_features(store, "X", 0, {"clean": products})[:, *window]
        assert np.allclose(found.features[7], wanted, atol=0.0626)


def test_the_history_reports_the_tasks_loss(chain):
    history = read_table(chain / "model/history.tsv")
    assert list(history[0])[:5] == ["epoch", "learning_rate", "train_classes", "val_classes", "val_loss"]
    assert float(history[-1]["train_classes"]) < float(history[0]["train_classes"])
    about = json.loads((chain / "model/settings.json").read_text())
    assert about["val_classes"] == pytest.approx(min(float(r["val_classes"]) for r in history), rel=1e-4)
    assert about["data"]["detectors"] == ["protodune_sp"]


def test_classes_sum_to_one_and_beat_the_majority(chain, store_file):
    with EventStore(store_file) as store, Products(chain / "classes.h5") as products:
        assert products.names() == ["classes"]
        assert (products.about["task"], products.about["step"]) == (TASK, "pixels")
        score, truth = products.image("classes", "X", 0), pixel_classes(store, "X", 0)
        good = ~store.bad("X", 0)
    assert score.shape == (3, 960, store.ticks)
    assert np.abs(score.sum(axis=0)[good] - 1).max() < 2 / 255
    right = (score.argmax(axis=0) == truth)[good].mean()
    majority = max((truth[good] == c).mean() for c in (NOTHING, TRACK, OTHER))
    assert right > majority + 0.2 * (1 - majority)


def test_without_regions_that_feature_is_zero(store_file, tmp_path):
    path = write_product(store_file, tmp_path / "p.h5", names=("denoised",))
    with EventStore(store_file) as store, Products(path) as products:
        found = cleaned_features(store, "X", 0, {"any name": products})
        assert np.array_equal(found[0], products.image("denoised", "X", 0))
        assert not found[1].any()


def test_inputs_that_are_missing_or_of_something_else(chain, store_file, tmp_path):
    weights = str(chain / "model/weights.safetensors")

    def infer(inputs):
        method = load_method(NetworkSettings(TASK), "collection", weights)
        infer_sample(method, "pixels", "m", str(store_file), str(tmp_path / "o.h5"), inputs)

    with pytest.raises(
        ProtoduneError, match="products of 0 steps with the task 'denoise', expected one; found none; give them"
    ):
        infer({})
    other = write_product(store_file, tmp_path / "r.h5", task="regions")
    with pytest.raises(ProtoduneError, match=r"of 0 steps with the task 'denoise'.*found first \(task regions\)"):
        infer({"first": str(other)})
    family = write_product(store_file, tmp_path / "i.h5", family="induction")
    with pytest.raises(ProtoduneError, match="products of induction planes, expected those of collection"):
        infer({"first": str(family)})
    first = str(chain / "first.h5")
    with Products(first) as products, pytest.raises(ProtoduneError, match="products of 2 steps with the task 'denoise'"):
        input_of({"a": products, "b": products}, "denoise")
    assert not (tmp_path / "o.h5").exists()


def test_the_command_line_of_inputs():
    assert parse_inputs(["a=x=1.h5", "b=y.h5"]) == {"a": "x=1.h5", "b": "y.h5"}
    for wrong in ("a", "=x", "a="):
        with pytest.raises(ProtoduneError, match=f"--inputs: found '{wrong}', expected STEP=FILE"):
            parse_inputs([wrong])


def test_a_network_for_another_task_is_one_line(chain, store_file, tmp_path):
    settings = dataclasses.asdict(NetworkSettings("denoise"))
    argv = ["--settings", json.dumps(settings), "--step", "s", "--method", "m", "--family", "collection"]
    argv += ["--events", store_file, "--weights", chain / "model/weights.safetensors", "--output", tmp_path / "o.h5"]
    message = one_line_error(run_module("stages.produce.infer_network", *argv), "infer")
    assert "weights of task 'plugins.pixel_task', expected 'denoise'; give the weights that were trained for it" in message


def test_slices_by_tick():
    coarse = np.arange(12.0).reshape(2, 2, 3)
    fine = refined(coarse, 4, 14)
    assert fine.shape == (2, 2, 14)
    assert np.array_equal(fine[..., 4:8], np.repeat(coarse[..., 1:2], 4, axis=-1))
    assert not fine[..., 12:].any()
