import json
from types import SimpleNamespace

import pytest
import yaml

from helpers import REPOSITORY
from protodune.dag.config_check import check_config
from protodune.dag.evidence import Evidence
from protodune.dag.targets import Targets

SAMPLES = """sample\tsplit\tkind\tsource\tseed\tevents\tapas\tsimulation
cosmics\ttest\tsimulation\ttoy\t1\t1\t0\t
u80\ttest\tsimulation\ttoy\t2\t1\t0\t{"content": "ideal_tracks", "ideal_theta_xz_deg": [80], "ideal_plane": "U"}
many\ttest\tsimulation\ttoy\t2\t1\t0\t{"content": "ideal_tracks", "ideal_theta_xz_deg": [0, 80], "ideal_plane": "U"}
run\ttest\tdata\trun.root
injected\ttest\tdata\tinject:run\t3\t\t\t{"cosmics_per_apa": 6}
"""


def evidence(tmp_path, samples=SAMPLES, trials=None, **figures):
    config = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())
    config |= yaml.safe_load((REPOSITORY / "config" / "clean.yaml").read_text())
    config["figures"] |= figures
    (tmp_path / "samples.tsv").write_text(samples)
    config["samples"] = str(tmp_path / "samples.tsv")
    if trials:
        (tmp_path / "trials.tsv").write_text(trials)
        config["trials"] = str(tmp_path / "trials.tsv")
    return Evidence(Targets(check_config(config)))


@pytest.fixture
def all_kinds(tmp_path):
    return evidence(tmp_path)


def test_each_kind_of_sample_has_its_own_evidence(all_kinds):
    t = all_kinds.targets
    assert t.compared() == ["cosmics", "many"], "with truth, at more than one angle"
    assert all_kinds.angles() == {"u80": ("U", 80.0)}
    assert all_kinds.checked() == ["cosmics", "many", "run"]
    assert all_kinds.injected() == ["injected"]
    assert t.converted() == ["cosmics", "u80", "many", "run"]
    assert t.checks() == ["results/checks/run.txt"], "the one file of the user"


def test_tracks_at_an_angle_are_looked_at_on_their_planes(all_kinds):
    paths = [p for p in all_kinds.targets.predictions() if p.endswith("/u80.h5")]
    assert paths
    assert all("/induction/" in p for p in paths)


def test_figures_of_everything(all_kinds):
    names = all_kinds.figure_names()
    assert {"angles.all", "residuals.induction", "noise.collection.run", "injection.induction.injected"} <= set(names)
    assert not any("u80" in n or "noise.collection.injected" in n for n in names)


def test_the_headline_times_region_selectors_and_a_method_once(tmp_path):
    trials = (("roi", "zoo_roi"), ("denoise", "zoo"), ("roi", "zoo"))
    rows = ["trial\ttask\tmodel\tplane", *(f"v1\t{task}\t{model}\tinduction" for task, model in trials)]
    runs = evidence(tmp_path, trials="\n".join(rows) + "\n").inference_runs()
    folder = "results/benchmarks/infer_network"
    assert sorted(r["benchmark"] for r in runs if folder in r["benchmark"] and "/cosmics" in r["predictions"]) == [
        f"{folder}/denoise.zoo.v1.induction.cosmics.tsv",
        f"{folder}/roi.zoo_roi.v1.induction.cosmics.tsv",
    ]


def test_signals_have_no_noise_of_their_own(all_kinds):
    settings = json.loads(all_kinds.targets.sample_settings(SimpleNamespace(sample="injected")))
    assert settings["simulation"] == {"preset": "clean", "cosmics_per_apa": 6}
    assert settings["seed"] == 3


def test_what_is_compared_can_be_limited(tmp_path):
    chosen = evidence(tmp_path, compared=["deconvolution_roi", "zoo.v1"])
    assert chosen.methods("induction") == ["deconvolution_roi", "zoo.v1"]
    assert len(chosen.angle_scores()) == 2
    assert len(evidence(tmp_path).methods("induction")) == 10


def test_the_recording_of_an_injection(all_kinds):
    w = SimpleNamespace(sample="injected", method="zoo.v1", plane="induction")
    assert all_kinds.recording_predictions(w) == "results/predictions/denoise/zoo.v1/induction/run.h5"


def test_a_run_of_data_alone_has_a_paper_without_truth(tmp_path):
    only = evidence(tmp_path, "sample\tsplit\tkind\tsource\nrun\ttest\tdata\trun.root\n")
    items = only.paper_items()
    assert {i["kind"] for i in items} == {"display", "zoom", "noise", "boards", "checks", "crossings"}
    assert not any(i["is_table"] for i in items)
    assert only.page_tables() == []


def test_what_the_paper_says_of_samples_and_networks(all_kinds):
    about = json.loads(all_kinds.paper_about())
    assert about["samples"]["run"] == "data from run.root"
    assert about["samples"]["injected"] == "cosmic signals on top of run, seed 3"
    assert "tracks at 80 deg across U" in about["samples"]["u80"]
    assert about["networks"]["zoo.v1 (denoise, induction)"] == "unet, weights zoo/unet.{plane}.safetensors"
