"""The whole workflow for real, small: `--profile profiles/local --configfile config/test.yaml`, then what re-runs."""

import csv
import json
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from helpers import REPOSITORY, job_environment

CONFIG = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text(encoding="utf-8"))
SKIPPED = shutil.ignore_patterns(".git", ".venv", "results", ".snakemake", "__pycache__", ".pytest_cache", ".ruff_cache")


class Run:
    """A copy of the repository and a working directory in which its workflow ran."""

    def __init__(self, folder):
        self.repository, self.directory = folder / "repository", folder / "run"
        shutil.copytree(REPOSITORY, self.repository, ignore=SKIPPED)

    def snakemake(self, *arguments):
        command = [sys.executable, "-m", "snakemake", "--profile", "profiles/local", "--configfile", "config/test.yaml"]
        result = subprocess.run(
            [*command, "--directory", str(self.directory), *arguments], cwd=self.repository,
            env=job_environment() | {"PYTHONPATH": str(self.repository / "workflow")},
            capture_output=True, text=True, timeout=400, check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-6000:]
        return result.stdout + result.stderr

    def planned(self, *arguments):
        output = self.snakemake("-n", *arguments)
        if "Nothing to be done" in output:
            return set()
        return set(re.findall(r"^(\w+)\s+\d+$", output.split("Job stats:")[-1], re.MULTILINE)) - {"total"}

    def planned_after(self, module, old, new):
        """Rules that are planned after an edit, which is taken back."""
        path = self.repository / "workflow" / "protodune" / module
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        try:
            return self.planned()
        finally:
            path.write_text(text)

    def rows(self, name):
        with (self.directory / "results" / name).open() as file:
            return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    finished = Run(tmp_path_factory.mktemp("workflow"))
    finished.snakemake()
    return finished


AFTER_INFERENCE = {"score_sample", "make_table", "compare_regions", "draw_metrics", "draw_event", "make_report", "all"}


def test_a_second_run_has_nothing_to_do(run):
    assert "Nothing to be done" in run.snakemake()


def test_the_table_holds_networks_and_classical_methods(run):
    rows = run.rows("tables/methods.tsv")
    for plane, networks in (("collection", {"unet.base", "cnn.base"}), ("induction", {"unet.base"})):
        found = {r["method"] for r in rows if r["plane"] == plane}
        assert found == set(CONFIG["methods"]) | networks
    assert {r["region"] for r in rows if r["plane"] == "collection"} == {"all", "drift"}


def test_every_worker_left_its_log_and_benchmark(run):
    results = run.directory / "results"
    workers = {p.name for p in (results / "logs").iterdir()}
    assert workers == {p.name for p in (results / "benchmarks").iterdir()}
    assert len(workers) == 14
    log = next((results / "logs" / "train_model").glob("denoise.unet.collection.*")).read_text()
    assert "2 rank(s) by horovod" in log
    assert log.count("epoch ") == 2
    assert max(float(r["max_rss"]) for r in benchmarks(results)) < 3000


def benchmarks(results):
    for path in (results / "benchmarks").rglob("*.tsv"):
        with path.open() as file:
            yield from (r for r in csv.DictReader(file, delimiter="\t") if r["max_rss"] not in ("-", "NA"))


def test_the_report_is_one_page_with_every_figure(run):
    text = (run.directory / "results" / "report.html").read_text()
    for name in (
        "display.collection.toy_test.png",
        "waveforms.induction.toy_test.png",
        "training.collection.png",
        "metrics.png",
        "roi.induction.png",
    ):
        assert name in text
    assert "methods.html" in text


def test_no_checkpoints_are_left_of_finished_trainings(run):
    assert not list((run.directory / "results" / "checkpoints").rglob("*.pt"))


def test_settings_travel(run):
    settings = json.loads((run.directory / "results/models/denoise/cnn/collection/base/settings.json").read_text())
    assert settings["settings"]["optimiser"]["learning_rate"] == 0.002, "the override of the trial sheet"


def test_a_forced_stage_takes_its_followers_along(run):
    assert run.planned("train", "-R", "train_model") == {"train_model", "train"}
    assert run.planned("-R", "make_table") == {"make_table", "draw_metrics", "make_report", "all"}


def test_a_comment_re_runs_nothing(run):
    assert run.planned_after("training/optimisers.py", "def schedule(", "# a comment\ndef schedule(") == set()
    assert run.planned_after("simulation/noise.py", '"""Electronic noise', '"""Noise') == set()


def test_an_edit_re_runs_the_stages_that_it_touches_and_their_followers(run):
    training = run.planned_after("training/losses.py", "LOSS_SCALE_ADC = 5.0", "LOSS_SCALE_ADC = 6.0")
    assert training == {"train_model", "infer_network", "draw_training"} | AFTER_INFERENCE
    classical = run.planned_after("classical/methods.py", "def _zeros(", "def _zeros_(")
    assert "infer_classical" in classical
    assert "train_model" not in classical
    drawing = run.planned_after("figures/display.py", "(-20.0, 100.0)", "(-20.0, 90.0)")
    assert drawing == {"draw_event", "make_report", "all"}
    metrics = run.planned_after("metrics.py", '"induction": 200.0', '"induction": 100.0')
    assert metrics == {"score_sample", "make_table", "compare_regions", "draw_metrics", "make_report", "all"}
    reader = run.planned_after("rawio/art.py", "class ArtSource:", "class ArtSource_:")
    assert "simulate_sample" not in reader
    assert "convert_sample" in reader


def test_one_trained_network_takes_a_setting_without_the_others(run):
    sheet = run.repository / "config" / "test" / "trials.tsv"
    text = sheet.read_text()
    sheet.write_text(text.replace('{"learning_rate": 0.002}', '{"learning_rate": 0.003}'))
    try:
        output = run.snakemake("-n", "train")
    finally:
        sheet.write_text(text)
    assert re.search(r"^train_model\s+1$", output, re.MULTILINE)
