"""The search for settings: trials that know of each other, are resumed, and end early."""

import json

import pytest

from helpers import one_line_error, run_module
from protodune.core.tables import read_table
from protodune.learning import search
from protodune.learning.search import with_parameters
from protodune.learning.training.settings import OptimiserSettings, TrainingSettings
from protodune.stages.learn import search_trial
from protodune.stages.publish import draw_figure
from trainings import prepared

TRAINING = {
    "task": "denoise", "step": "denoise", "model": "unet", "network": "unet", "family": "collection", "trial": "search",
    "network_settings": {"widths": [2, 4]},
    "optimiser": {"epochs": 2, "global_batch": 4, "micro_batch": 2, "calibration_patches": 4},
}  # fmt: skip
SPACE = {"learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}, "micro_batch": [1, 2]}


@pytest.fixture(scope="module")
def patches(store_file, tmp_path_factory):
    return prepared(store_file, tmp_path_factory.mktemp("patches"), (16, 32), 8, 3)


def arguments(patches, folder, number, **changes):
    settings = {"training": TRAINING, "space": SPACE, "trials": 6, "seed": 3, **changes}
    argv = ["--settings", json.dumps(settings), "--number", number, "--study", folder / "study.log"]
    argv += ["--train", patches / "train.h5", "--val", patches / "val.h5", "--output", folder / f"{number}.tsv"]
    return [str(a) for a in [*argv, "--checkpoints", folder / f"c{number}", "--backend", "none", "--threads", "1"]]


def trial(patches, folder, number, **changes):
    assert search_trial.main(arguments(patches, folder, number, **changes)) == 0
    [row] = read_table(folder / f"{number}.tsv")
    return row


def test_random_trials_are_the_same_in_any_order(patches, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    forward = {n: trial(patches, tmp_path / "a", n, pruning=False) for n in (0, 1, 2)}
    backward = {n: trial(patches, tmp_path / "b", n, pruning=False) for n in (2, 1, 0)}
    for number, row in forward.items():
        assert row["parameters"] == backward[number]["parameters"]
        assert row["val_loss"] == backward[number]["val_loss"]
        assert (row["state"], row["epochs"]) == ("complete", "2")
    assert len({row["parameters"] for row in forward.values()}) == 3
    chosen = json.loads(forward[0]["parameters"])
    assert 1e-4 <= chosen["learning_rate"] <= 1e-1
    assert chosen["micro_batch"] in (1, 2)
    assert not list((tmp_path / "a").glob("c*")), "no checkpoints are left"


def test_a_finished_trial_is_not_trained_again_and_another_search_begins_anew(patches, tmp_path, monkeypatch):
    first = trial(patches, tmp_path, 0)
    monkeypatch.setattr(search, "_train", lambda *a: pytest.fail("it was trained again"))
    assert trial(patches, tmp_path, 0) == first
    monkeypatch.undo()
    other = trial(patches, tmp_path, 0, space={"learning_rate": [0.001]})
    assert json.loads(other["parameters"]) == {"learning_rate": 0.001}


def test_an_interrupted_trial_keeps_its_settings(patches, tmp_path, monkeypatch):
    asked = []

    def interrupted(settings, *rest):
        asked.append(settings)
        raise KeyboardInterrupt

    monkeypatch.setattr(search, "_train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        search_trial.main(arguments(patches, tmp_path, 4, sampler="tpe"))
    monkeypatch.undo()
    row = trial(patches, tmp_path, 4, sampler="tpe")
    assert json.loads(row["parameters"])["learning_rate"] == asked[0].optimiser.learning_rate


def test_hopeless_trials_end_early_and_the_table_and_the_figure_show_it(patches, tmp_path):
    good = {"space": {"learning_rate": {"low": 1e-6, "high": 2e-2}}}
    study = tmp_path / "study.log"
    rows = [trial(patches, tmp_path, n, **good) for n in range(8)]
    assert study.is_file()
    ended = [r for r in rows if r["state"] == "pruned"]
    assert ended, "of eight random rates one is worse than the median after an epoch"
    assert all(int(r["epochs"]) < 2 or float(r["val_loss"]) > min(float(x["val_loss"]) for x in rows) for r in ended)
    files = [str(tmp_path / f"{n}.tsv") for n in range(8)]
    assert draw_figure.main(["search", "--tables", *files, "--output", str(tmp_path / "f.png")]) == 0
    table = read_table(tmp_path / "f.tsv")
    losses = [float(r["val_loss"]) for r in table]
    assert losses == sorted(losses)
    assert (tmp_path / "f.svg").stat().st_size > 1000


def test_two_ranks_try_the_same(patches, tmp_path):
    argv = arguments(patches, tmp_path, 0)
    argv[argv.index("--backend") + 1] = "auto"
    result = run_module(
        "stages.learn.launch", "--ranks", "2", "--", "python", "-m", "protodune.stages.learn.search_trial", *argv
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("search trial 0 of 6") == 1
    (tmp_path / "one").mkdir()
    alone = trial(patches, tmp_path / "one", 0)
    assert read_table(tmp_path / "0.tsv")[0]["parameters"] == alone["parameters"]


def test_parameters_go_where_they_belong():
    settings = TrainingSettings(
        "denoise",
        "denoise",
        "m",
        "cnn",
        "collection",
        "t",
        1,
        {"width": 4},
        OptimiserSettings(epochs=3, loss={"denoised": "mse"}),
    )
    changed = with_parameters(settings, {"network.width": 8, "learning_rate": 0.5, "weight.denoised": 2.0})
    assert changed.network_settings == {"width": 8}
    assert (changed.optimiser.learning_rate, changed.optimiser.epochs) == (0.5, 3)
    assert (changed.optimiser.loss, changed.optimiser.weight) == ({"denoised": "mse"}, {"denoised": 2.0})


def test_a_setting_that_is_none_is_named(patches, tmp_path):
    argv = arguments(patches, tmp_path, 0, space={"speed": [1]})
    result = run_module("stages.learn.search_trial", *argv)
    assert "search.space.speed: no setting of a training" in one_line_error(result, "search")
