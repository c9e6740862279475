"""What profiles/htcondor would submit, built by the plugin and the bindings of HTCondor.  No pool is there, no job runs."""

import base64
import importlib.util
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import REPOSITORY, job_environment

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("snakemake_executor_plugin_htcondor") is None,
    reason="found no plugin for HTCondor; `make test-htcondor` installs envs/htcondor.txt and runs these",
)
PATCHES = "results/patches/denoise/patch96/waveform/collection"


def submitted(directory: Path, target: str, rule: str, *inputs: str) -> dict:
    """The description of the job of one rule, whose inputs are there (they are not read)."""
    for name in inputs:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).touch()
    written = directory / "submitted.jsonl"
    command = [sys.executable, str(Path(__file__).with_name("submit_nothing.py")), str(written)]
    command += ["-s", str(REPOSITORY / "Snakefile"), "--directory", str(directory)]
    command += ["--profile", str(REPOSITORY / "profiles" / "htcondor"), "--retries", "0"]
    command += ["--configfile", str(REPOSITORY / "config" / "test.yaml"), "--allowed-rules", rule, "--", target]
    environment = job_environment() | {"CONDOR_CONFIG": "/dev/null"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert "there is no pool" in result.stderr, result.stderr
    [line] = written.read_text().splitlines()
    return json.loads(line)


def test_a_training_asks_for_gpus_cores_memory_and_time(tmp_path):
    target = "results/models/denoise/unet/collection/base/weights.safetensors"
    job = submitted(tmp_path, target, "train_model", f"{PATCHES}/sim_train.h5", f"{PATCHES}/sim_val.h5")
    assert job["executable"] == sys.executable
    assert (job["request_gpus"], job["request_cpus"], job["request_memory"]) == ("4", "32", "64000MB")
    assert (job["MY.MaxRuntime"], job["request_disk"]) == ("14400", "10240000")
    words = shlex.split(job["arguments"])
    assert words[:3] == ["-m", "snakemake", "--snakefile"]
    assert "train_model:step=denoise,model=unet,family=collection,trial=base" in words
    # Resources of several words come through: the plugin takes quotes out, so they travel in base64.
    plain = [base64.b64decode(w.removeprefix("base64//")).decode() for w in words if w.startswith("base64//")]
    assert "train_model:launcher=python -m protodune.stages.learn.launch --ranks 4 --" in plain


def test_a_small_job_asks_for_little(tmp_path):
    job = submitted(tmp_path, "results/events/sim_val.h5", "convert_sample", "results/raw/sim_val.root")
    assert "request_gpus" not in job
    assert (job["request_cpus"], job["request_memory"], job["MY.MaxRuntime"]) == ("2", "6000MB", "3600")
    assert job["log"].startswith(".snakemake/htcondor/")
    plain = [base64.b64decode(w[8:]).decode() for w in job["arguments"].split() if w.startswith("base64//")]
    assert "convert_sample:source_options=--stage-in" in plain
