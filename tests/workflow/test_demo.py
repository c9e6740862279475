"""The README's demo, own data and cluster commands, in a copy whose configuration is the small one; then what re-runs."""

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import uproot
import yaml

from clones import BLOCKS, README, Clone, merge
from helpers import DATA, REPOSITORY
from protodune.core.files import checksum
from protodune.events.products import Products

SET_UP, OWN_DATA, LOOK_AND_EXPORT, PAPER, CLUSTER, CAMPAIGN = BLOCKS  # PAPER: test_paper.py, CAMPAIGN: test_campaign.py
HOSTILE = "a b $(touch x) ü"
SNAKEMAKE = ".venv/bin/snakemake --profile profiles/local"
AFTER_INFERENCE = {
    "measure_sample", "make_table", "average_curves", "draw_figure", "draw_event", "make_report", "all",
}  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The copy after the README's first command, in a folder whose name a shell would break or run."""
    clone = Clone(tmp_path_factory.mktemp(HOSTILE))
    config = clone.folder / "config"
    small = merge(clone.config("config.yaml"), clone.config("test.yaml"))
    clone.write_config("config.yaml", small | {"samples": "config/samples.tsv", "trials": "config/trials.tsv"})
    for name in ("samples.tsv", "trials.tsv"):
        shutil.copy(config / "test" / name, config / name)
    clone.run(SET_UP[0])
    return clone


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_the_demo_runs_and_a_second_one_has_nothing_to_do(demo):
    assert SET_UP == ["make demo", "make test"]
    assert "Nothing to be done" in demo.run(SET_UP[0])


def test_the_table_holds_networks_and_classical_methods(demo):
    table = rows(demo.results / "tables" / "methods.tsv")
    for family, networks in (("collection", {"unet.base", "cnn.base"}), ("induction", {"unet.base"})):
        found = {r["method"] for r in table if r["family"] == family}
        assert found == set(demo.config("config.yaml")["methods"]) | networks
    assert {r["channels"] for r in table if r["family"] == "collection"} == {"all", "drift"}
    assert {(r["detector"], r["task"], r["step"]) for r in table} == {("protodune_sp", "denoise", "denoise")}


def test_every_worker_left_its_log_and_benchmark(demo):
    workers = {p.name for p in (demo.results / "logs").iterdir()}
    assert workers == {p.name for p in (demo.results / "benchmarks").iterdir()}
    assert len(workers) == 13
    log = next((demo.results / "logs" / "train_model").glob("denoise.unet.collection.*")).read_text()
    assert "2 rank(s) by horovod" in log
    assert log.count("epoch ") == 2
    benchmarks = [r for p in (demo.results / "benchmarks").rglob("*.tsv") for r in rows(p)]
    assert max(float(r["max_rss"]) for r in benchmarks if r["max_rss"] not in ("-", "NA")) < 3000


def test_the_report_is_one_page_with_every_figure(demo):
    text = (demo.results / "report.html").read_text()
    for name in (
        "display.collection.sim_test.png", "waveforms.induction.sim_test.png", "training.collection.png", "metrics.all.png",
        "regions.induction.png", "methods.html",
    ):  # fmt: skip
        assert name in text


def test_no_checkpoints_are_left_of_finished_trainings(demo):
    assert not list((demo.results / "checkpoints").rglob("*.pt"))


def test_settings_travel(demo):
    settings = json.loads((demo.results / "models/denoise/cnn/collection/base/settings.json").read_text())
    assert settings["settings"]["optimiser"]["learning_rate"] == 0.002, "the override of the trial sheet"


def test_a_forced_stage_takes_its_followers_along(demo):
    assert set(demo.planned(f"{SNAKEMAKE} train -R train_model")) == {"train_model", "train"}
    assert set(demo.planned(f"{SNAKEMAKE} -R make_table")) == {"make_table", "draw_figure", "make_report", "all"}


def planned_after(demo, *edits):
    """Jobs that are planned after edits of modules, which are taken back."""
    before = {}
    for module, old, new in edits:
        path = demo.folder / "workflow" / "protodune" / module
        before.setdefault(path, path.read_text())
        assert old in path.read_text(), f"{module}: {old}"
        path.write_text(path.read_text().replace(old, new, 1))
    try:
        return demo.planned(SNAKEMAKE)
    finally:
        for path, text in before.items():
            path.write_text(text)


def test_comments_and_docstrings_re_run_nothing(demo):
    assert not planned_after(
        demo,
        ("learning/training/optimisers.py", "def schedule(", "# a comment\ndef schedule("),
        ("simulation/noise.py", '"""', '"""More of '),
    )


def test_an_edit_re_runs_the_stages_that_it_touches_and_their_followers(demo):
    training = planned_after(demo, ("learning/training/losses.py", "LOSS_SCALE_ADC = 5.0", "LOSS_SCALE_ADC = 6.0"))
    assert set(training) == {"train_model", "infer_network"} | AFTER_INFERENCE
    cut = planned_after(demo, ("classical/steps/cut.py", "def cut(", "def cut_(x):\n    return x\n\n\ndef cut("))
    assert cut["infer_classical"] == 2 * len([m for m in demo.config("config.yaml")["methods"] if "cut" in m])
    assert not {"train_model", "infer_network", "convert_sample"} & set(cut)
    sticky = planned_after(demo, ("classical/sticky.py", "MAX_JUMP_ADC = 5.0, 6.0", "MAX_JUMP_ADC = 5.0, 7.0"))
    assert not {"convert_sample", "simulate_sample"} & set(sticky), "the features of networks use it, conversion does not"
    assert "prepare_patches" in sticky
    drawing = planned_after(demo, ("publish/colours.py", "(-20.0, 100.0)", "(-20.0, 90.0)"))
    assert set(drawing) == {"draw_event", "make_report", "all"}
    metrics = planned_after(demo, ("measure/waveforms.py", '"induction": 200.0', '"induction": 100.0'))
    assert set(metrics) == {"measure_sample", "make_table", "average_curves", "draw_figure", "make_report", "all"}
    reader = planned_after(demo, ("rawio/art.py", "class ArtSource", "class ArtSource_:\n    pass\n\n\nclass ArtSource"))
    assert "simulate_sample" not in reader
    assert "convert_sample" in reader


def test_one_trained_network_takes_a_setting_without_the_others(demo):
    sheet = demo.folder / "config" / "trials.tsv"
    text = sheet.read_text()
    sheet.write_text(text.replace('{"learning_rate": 0.002}', '{"learning_rate": 0.003}'))
    try:
        assert demo.planned(f"{SNAKEMAKE} train")["train_model"] == 1
    finally:
        sheet.write_text(text)


@pytest.fixture(scope="module")
def own_data(demo):
    """What the commands of the block on own data printed; the recording lies beside the copy, and the shipped weights have
    their whole path.

    First the recording is damaged and a second one is missing: what the check of these printed comes first.
    """
    recording = demo.folder.parent / "run.root"
    *sheets, check, clean = (command.replace("/path/to/run5387.root", str(recording)) for command in OWN_DATA)
    for command in sheets:
        demo.run(command)
    weights = {"models": {"zoo": {"weights": str(demo.folder / "zoo" / "unet.{family}.safetensors")}}}
    with (demo.folder / "mine.yaml").open("a") as file:
        file.write(yaml.safe_dump(weights, allow_unicode=True))
    sheet = (demo.folder / "mine.tsv").read_text()
    (demo.folder / "mine.tsv").write_text(f"{sheet}lost\ttest\tdata\tno such.root\n")
    shutil.copy(DATA / "art_badpayload.root", recording)
    printed = [demo.run(check, expected=1)]
    (demo.folder / "mine.tsv").write_text(sheet)
    shutil.copy(DATA / "art_detsim_small.root", recording)
    return [*printed, demo.run(check), demo.run(clean)]


def test_a_check_looks_at_all_files_and_ends_with_a_table(demo, own_data):
    bad, good, _ = own_data
    assert "### 2 samples read from files, 2 with problems" in bad
    assert re.search(r"^\* run5387: \S.*run.root: tree Events, entry 1", bad, re.MULTILINE)
    assert "\n* lost: no such.root: found no such file" in bad
    assert "check: error: 2 of 2 samples have problems: run5387: " in bad
    assert "### 1 sample read from files, none with problems" in good, "it was read again, since it has changed"
    assert "check: error" not in good
    [row] = rows(demo.results / "tables" / "check.tsv")
    assert (row["sample"], row["events"], row["truth"], row["problems"]) == ("run5387", "3", "charge", "0")


def test_own_data_uses_the_shipped_networks(demo, own_data):
    assert "train_model" not in own_data[-1]
    assert "art, split 99" in (demo.results / "checks" / "run5387.txt").read_text()
    assert (demo.results / "products/denoise/zoo.v1/collection/run5387.h5").exists()
    assert (demo.results / "figures" / "display.induction.run5387.png").exists()
    assert not (demo.results / "figures" / "waveforms.induction.run5387.png").exists(), "no truth"


def test_no_name_of_a_folder_was_run(demo, own_data):
    assert HOSTILE in str(demo.folder)
    with Products(demo.results / "products/denoise/zoo.v1/collection/run5387.h5") as products:
        assert HOSTILE in products.about["weights"]
    assert not (demo.folder / "x").exists()


def test_make_gives_paths_to_the_shell_as_they_are(demo, tmp_path):
    told = demo.run(f"DIRECTORY={shlex.quote(f'{tmp_path}/{HOSTILE}')} make --dry-run demo | tail -n 3")
    assert f"--directory '{tmp_path}/{HOSTILE}'" in told
    assert f"open '{tmp_path}/{HOSTILE}'/results/report.html" in told


def test_looking_into_a_file_and_the_way_back_to_root(demo, own_data):
    look, back = LOOK_AND_EXPORT
    quoted = f"'{demo.folder.parent / 'run.root'}'"
    assert "art, split 99" in demo.run(look.replace("/path/to/run5387.root", quoted))
    demo.run(back)
    with uproot.open(demo.results / "export" / "zoo.v1" / "run5387.root") as file:
        assert file["denoised"].num_entries == 72
        made = json.loads(str(file["protodune_about"]))["products"]
        for family, about in made.items():
            assert about["weights_sha256"] == checksum(REPOSITORY / "zoo" / f"unet.{family}.safetensors")
        assert set(made) == {"induction", "collection"}
        assert {key.split(";")[0] for key in file.keys()} == {"protodune_about", "denoised", "charge", "regions"}  # noqa: SIM118


def test_the_cluster_commands_plan(demo):
    for command in CLUSTER:
        jobs = demo.planned(command.removesuffix(" --dry-run"))
    assert jobs["train_model"] == 3


def test_continuous_integration_runs_the_test_command():
    assert SET_UP[1] in (REPOSITORY / ".ci" / "run").read_text().splitlines()


def test_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (REPOSITORY / link).exists(), link


def test_set_up_without_python_3_11_or_a_compiler_is_one_sentence(tmp_path):
    setup = REPOSITORY / "envs" / "setup_env.py"
    environment = {k: v for k, v in os.environ.items() if k != "CXX"} | {"PATH": str(tmp_path)}
    command = [sys.executable, str(setup), "--venv", str(tmp_path / "venv")]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.strip() == (
        "setup: error: found no C++ compiler, which Horovod's build needs; install g++ (Debian, Ubuntu: apt install g++)"
    )
    assert not (tmp_path / "venv").exists()
    code = f"import sys; sys.version_info = (3, 9, 2); sys.argv = ['x', '--venv', {str(tmp_path / 'v')!r}]; "
    code += f"exec(compile(open({str(setup)!r}).read(), {str(setup)!r}, 'exec'))"
    run_old = [sys.executable, "-c", f"__file__ = {str(setup)!r}; __name__ = '__main__'; {code}"]
    result = subprocess.run(run_old, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("setup: error: found Python 3.9.2, expected 3.11")
    assert not Path(tmp_path / "v").exists()
