"""Plans (dry runs): targets, profiles, and configuration errors as a user meets them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from helpers import REPOSITORY, job_environment, run_snakemake


def planned(*arguments, directory, profile=None):
    """Number of planned jobs by rule."""
    result = run_snakemake("-n", *arguments, directory=directory, profile=profile)
    assert result.returncode == 0, result.stdout + result.stderr
    table = (result.stdout + result.stderr).split("Job stats:")[-1]
    return {m[1]: int(m[2]) for m in re.finditer(r"^(\w+)\s+(\d+)$", table, re.MULTILINE)}


def test_the_demo_runs_every_stage(tmp_path):
    jobs = planned(directory=tmp_path)
    assert jobs["simulate_sample"] == jobs["convert_sample"] == 3
    assert jobs["train_model"] == 3
    assert jobs["infer_network"] == 3
    assert jobs["infer_classical"] == 18
    assert jobs["measure_sample"] == 21
    assert jobs["make_report"] == 1


@pytest.mark.parametrize(
    ("target", "last"),
    [
        ("simulate", "simulate_sample"), ("convert", "convert_sample"), ("prepare", "prepare_patches"),
        ("simulation_report", "write_simulation_page"),
        ("train", "train_model"), ("infer", "infer_classical"), ("export", "export_sample"),
        ("export_models", "export_model"), ("export_frames", "export_sample_frames"),
        ("validate", "make_table"), ("evidence", "average_details"),
        ("paper", "write_manifest"),
        ("figures", "draw_event"), ("report", "make_report"), ("search", "gather_search"),
        ("scaling", "measure_scaling"), ("speed", "measure_speed"),
    ],
)  # fmt: skip
def test_every_stage_has_a_target_that_ends_there(target, last, tmp_path):
    jobs = planned(target, directory=tmp_path)
    assert last in jobs
    chain = ["simulate_sample", "convert_sample", "prepare_patches", "train_model", "infer_classical", "make_table"]
    if last in chain:
        assert not set(chain[chain.index(last) + 1 :]) & set(jobs)
        assert "make_report" not in jobs


def test_until_stops(tmp_path):
    assert set(planned("--until", "convert_sample", directory=tmp_path)) == {"simulate_sample", "convert_sample", "total"}


@pytest.mark.parametrize("profile", ["power8", "slurm", "lsf"])
def test_the_profiles_of_queues_plan(profile, tmp_path):
    assert planned(directory=tmp_path, profile=profile)["train_model"] == 3
    result = run_snakemake("-n", "search", "scaling", directory=tmp_path, profile=profile)
    plan = result.stdout + result.stderr
    for rule in ("search_trial", "measure_scaling"):
        [resources] = set(re.findall(rf"rule {rule}:.*?resources: ([^\n]*)", plan, re.DOTALL))
        assert "mpi=" in resources
        assert "cpus_per_task=" in resources
    assert plan.count("rule search_trial:") == 12, "one job per search trial"


def test_power8_has_three_nodes_of_four_gpus_and_one_place_for_the_account():
    text = (REPOSITORY / "profiles" / "power8" / "config.yaml").read_text()
    profile = yaml.safe_load(text)
    training = profile["set-resources"]["train_model"]
    assert (training["nodes"], training["tasks_per_node"], training["gres"]) == (3, 4, "gpu:4")
    assert text.count("slurm_partition:") == text.count("slurm_account:") == 1
    assert "attempt" in training["mem_mb"]
    assert "attempt" in training["runtime"]


def test_a_typing_error_is_refused_with_a_suggestion(tmp_path):
    (tmp_path / "mine.yaml").write_text("models:\n  unet:\n    training: {epohcs: 3}\n")
    result = run_snakemake("-n", "--configfile", tmp_path / "mine.yaml", directory=tmp_path)
    assert result.returncode != 0
    output = result.stdout + result.stderr
    assert "config.models.unet.training.epohcs: unknown key (did you mean 'epochs'?)" in output
    assert "Traceback" not in output
    assert not (tmp_path / "results").exists()


def test_a_source_that_is_missing_is_named(tmp_path):
    shutil.copy(REPOSITORY / "config" / "samples.tsv", tmp_path / "mine.tsv")
    with (tmp_path / "mine.tsv").open("a") as file:
        file.write("run1\ttest\tdata\traw/run1.root\n")
    (tmp_path / "mine.yaml").write_text("samples: mine.tsv\n")
    result = run_snakemake("-n", "--configfile", tmp_path / "mine.yaml", directory=tmp_path)
    assert result.returncode != 0
    assert "MissingInputException" in result.stderr + result.stdout
    assert "raw/run1.root" in result.stderr + result.stdout


def test_files_are_in_style():
    tools = Path(sys.executable).parent
    for command in (
        [tools / "ruff", "check", "."],
        [tools / "ruff", "format", "--check", "."],
        [tools / "snakefmt", "--check", "Snakefile", "rules"],
        [tools / "snakemake", "--lint"],
    ):
        result = subprocess.run(
            list(map(str, command)), cwd=REPOSITORY, env=job_environment(), capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
