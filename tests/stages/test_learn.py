"""Stages of learning and inference by their command lines: from patches to products, and each wrong input as one line."""

import json
import os

import numpy as np
import pytest

from helpers import as_json, one_line_error, run_module
from protodune.core.tables import read_table
from protodune.events.products import Products
from protodune.events.store import EventStore
from protodune.stages.learn import prepare, train
from protodune.stages.produce import infer_network

FAMILY = ["--family", "collection"]
PLACE = ["--step", "denoise", "--method", "m"]


def test_inference_says_what_an_event_costs(trained, store_file, tmp_path, caplog, monkeypatch):
    caplog.set_level("INFO")
    argv = [*FAMILY, *PLACE, "--events", str(store_file), "--output", str(tmp_path / "p.h5")]
    argv += ["--weights", str(trained / "model" / "weights.safetensors"), "--settings", as_json(task="denoise")]
    monkeypatch.setattr("protodune.core.energy.EnergyMeter.joules", lambda self: 42.0)
    assert infer_network.main(argv) == 0
    assert "42.0 J per event for collection" in caplog.text
    monkeypatch.setattr("protodune.core.energy.EnergyMeter.joules", lambda self: float("nan"))
    (tmp_path / "p.h5").unlink()
    assert infer_network.main(argv) == 0
    assert "energy not available" in caplog.text


@pytest.mark.parametrize("task", ["regions", "charge"])
def test_networks_on_crossings(task, store_file, tmp_path):
    """A region selector, and a network that gives charge as well."""
    for name, mode in (("train", "crop"), ("val", "tile")):
        settings = as_json(mode=mode, height=32, width=16, per_image=8, features="dnnroi", task=task)
        argv = ["--settings", settings, "--family", "induction", "--events", str(store_file)]
        assert prepare.main([*argv, "--output", str(tmp_path / f"{name}.h5")]) == 0
    settings = {
        "task": task, "step": "select", "model": "dnnroi", "network": "dnnroi", "family": "induction", "trial": "t",
        "network_settings": {"width": 2}, "optimiser": {"epochs": 2, "global_batch": 4, "micro_batch": 2},
    }  # fmt: skip
    argv = ["--train", str(tmp_path / "train.h5"), "--val", str(tmp_path / "val.h5"), "--output", str(tmp_path / "model")]
    assert train.main(["--settings", json.dumps(settings), *argv]) == 0
    history = read_table(tmp_path / "model" / "history.tsv")
    columns = [f"{split}_{output}" for output in dict.fromkeys((task, "regions")) for split in ("train", "val")]
    assert list(history[0])[: 3 + len(columns)] == ["epoch", "learning_rate", *columns, "val_loss"]
    common = ["--family", "induction", "--events", str(store_file), "--output", str(tmp_path / "p.h5")]
    argv = ["--weights", str(tmp_path / "model" / "weights.safetensors"), "--step", "select", "--method", "dnnroi.t"]
    settings = as_json(task=task, model="dnnroi", threshold=0.3)
    assert infer_network.main(["--settings", settings, *common, *argv]) == 0
    with EventStore(store_file) as store, Products(tmp_path / "p.h5") as found:
        score = found.image("regions", "V", 0)
        assert score.shape == store.waveforms("V", 0).shape
        assert found.names() == ["charge", "charge_error", "regions"]
        charge, error = (found.image(name, "V", 0) for name in ("charge", "charge_error"))
        assert not charge[error == 0].any(), "charge lies in or near regions"
        assert found.threshold == 0.3
        assert [found.about[key] for key in ("task", "step", "method")] == [task, "select", "dnnroi.t"]
        ten = score[:, :510].reshape(800, 51, 10)
        assert np.array_equal(ten.min(axis=2), ten.max(axis=2)), "one score for ten ticks"
    # With its own scores beside it a network says the same more loudly.
    settings = as_json(task=task, model="dnnroi", combine={"before": 1.0})
    common[-1] = str(tmp_path / "q.h5")
    assert infer_network.main(["--settings", settings, *common, *argv, "--inputs", f"before={tmp_path / 'p.h5'}"]) == 0
    with Products(tmp_path / "q.h5") as found:
        both = found.image("regions", "V", 0)
    clear = np.abs(score - 0.5) > 0.05
    assert (np.abs(both - 0.5) >= np.abs(score - 0.5))[clear & (score > 0.01)].all()


def test_products_carry_settings_and_versions(trained, store_file):
    settings = json.loads((trained / "model" / "settings.json").read_text())
    assert settings["settings"]["optimiser"]["global_batch"] == 4
    assert settings["versions"]["torch"]
    with Products(trained / "unet.h5") as found, EventStore(store_file) as store:
        found.check_matches(store)
        assert found.about["trained"]["val_denoised"] == settings["val_denoised"]
        assert found.about["versions"]["torch"] == settings["versions"]["torch"]


def test_a_crop_larger_than_the_plane(tmp_path, store_file):
    settings = as_json(mode="crop", height=2000, width=32, per_image=4)
    argv = [*FAMILY, "--events", store_file, "--output", tmp_path / "p.h5"]
    result = run_module("stages.learn.prepare", "--settings", settings, *argv)
    assert "patch 2000x32, expected at most the plane's 960x512" in one_line_error(result, "prepare")
    assert os.listdir(tmp_path) == []


def test_patches_that_need_an_earlier_step(tmp_path, store_file):
    settings = as_json(mode="crop", height=32, width=32, per_image=4, features="cleaned", task="regions")
    argv = [*FAMILY, "--events", store_file, "--output", tmp_path / "p.h5"]
    result = run_module("stages.learn.prepare", "--settings", settings, *argv)
    assert "products of 0 steps with the task 'denoise', expected one" in one_line_error(result, "prepare")
    assert os.listdir(tmp_path) == []


def test_weights_of_another_model(tmp_path, trained, store_file):
    argv = [*FAMILY, *PLACE, "--events", store_file, "--output", tmp_path / "p.h5"]
    argv += ["--weights", trained / "model" / "weights.safetensors"]
    for settings, message in (
        ({"task": "denoise", "model": "cnn"}, "weights of model 'unet', expected 'cnn'"),
        ({"task": "regions"}, "weights of task 'denoise', expected 'regions'"),
    ):
        result = run_module("stages.produce.infer_network", "--settings", as_json(**settings), *argv)
        assert message in one_line_error(result, "infer")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "dnnroi"}, "network 'dnnroi' does not serve the task 'denoise', only charge, regions"),
        ({"optimiser": {"loss": {"denoised": "bce"}}}, "training.loss.denoised: found 'bce'"),
        ({"roi_weight": 1}, "settings.roi_weight: unknown setting"),
    ],
)
def test_a_training_that_cannot_be_is_one_line(changes, message, tmp_path, trained, capsys):
    settings = {
        "task": "denoise", "step": "denoise", "model": "m", "network": "unet", "family": "collection", "trial": "t",
        **changes,
    }  # fmt: skip
    argv = ["--train", str(trained / "train.h5"), "--val", str(trained / "val.h5"), "--output", str(tmp_path / "model")]
    assert train.main(["--settings", json.dumps(settings), *argv]) == 1
    assert f"train: error: {message}" in capsys.readouterr().err.replace("training: ", "")
    assert not (tmp_path / "model").exists()


def test_a_folder_that_cannot_be_written(tmp_path, store_file):
    (tmp_path / "file").write_text("")
    settings = as_json(mode="crop", height=32, width=32, per_image=4)
    argv = [*FAMILY, "--events", store_file, "--output", tmp_path / "file" / "p.h5"]
    result = run_module("stages.learn.prepare", "--settings", settings, *argv)
    assert "cannot make its folder" in one_line_error(result, "prepare")
