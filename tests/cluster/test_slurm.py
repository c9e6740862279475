"""The workflow on a real Slurm of three nodes on this machine, through profiles/power8 with other sizes.

All trainings here have the same settings and run in deterministic mode, so whatever happens to them, each must end with the
weights of the one that nothing disturbed.
"""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
import yaml

from clusters import NEEDS_SLURM, Cluster
from helpers import REPOSITORY
from protodune.learning.weights import load_weights

SCENARIOS = ("undisturbed", "rank_killed", "rank_hangs", "node_lost", "snakemake_killed", "no_partition")
SETTINGS = '{"epochs": 24, "global_batch": 12, "micro_batch": 2, "calibration_patches": 12, "deterministic": true}'

pytestmark = NEEDS_SLURM


class Run:
    """A working directory, with the trainings of all scenarios in its trial sheet."""

    def __init__(self, cluster: Cluster, directory: Path):
        self.cluster, self.directory = cluster, directory
        directory.mkdir()
        rows = [f"{name}\tdenoise\tunet\tcollection\t{SETTINGS}" for name in SCENARIOS]
        (directory / "trials.tsv").write_text("\n".join(["trial\tstep\tmodel\tfamily\toverrides", *rows]) + "\n")
        (directory / "more.yaml").write_text(
            "trials: trials.tsv\nfigures: {network: unet.undisturbed}\n"
            "patches: {patch96: {height: 32, width: 128, per_image: 46}}\n"
        )

    def profile(self, nodes, **changes):
        """profiles/power8 with the sizes of this cluster, which has no accounting and so no accounts."""
        profile = yaml.safe_load((REPOSITORY / "profiles" / "power8" / "config.yaml").read_text())
        profile["default-resources"] |= {"mem_mb": 1000, "runtime": 10}
        del profile["default-resources"]["slurm_account"]
        profile["slurm-init-seconds-before-status-checks"] = 2
        profile["latency-wait"], profile["seconds-between-status-checks"] = 10, 2
        profile["set-threads"]["infer_network"] = 1
        profile["set-resources"]["infer_network"] |= {"mem_mb": 3000}
        profile["set-resources"]["train_model"] |= {
            "nodes": nodes, "tasks_per_node": 2, "cpus_per_task": 1, "mem_mb": 3000, "runtime": 10,
            "train_options": "--checkpoint-minutes 0 --watchdog-minutes 0.3", **changes,
        }  # fmt: skip
        folder = self.directory / f"profile{nodes}"
        folder.mkdir(exist_ok=True)
        (folder / "config.yaml").write_text(yaml.safe_dump(profile))
        return folder

    def start(self, *targets, nodes=2, **changes):
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "-s",
            str(REPOSITORY / "Snakefile"),
            "--directory",
            str(self.directory),
        ]
        command += ["--profile", str(self.profile(nodes, **changes))]
        files = [str(REPOSITORY / "config" / "test.yaml"), str(self.directory / "more.yaml")]
        log = (self.directory / "snakemake.log").open("w")
        return subprocess.Popen(
            [*command, *targets, "--configfile", *files], env=self.cluster.environment(), stdout=log, stderr=log
        )

    def finish(self, process, seconds=200):
        try:
            code = process.wait(seconds)
        finally:
            process.kill()
        return code

    def said(self):
        return (self.directory / "snakemake.log").read_text()

    def weights(self, scenario):
        return f"results/models/denoise/unet/collection/{scenario}/weights.safetensors"

    def log(self, scenario):
        return (self.directory / f"results/logs/train_model/denoise.unet.collection.{scenario}.log").read_text()

    def ranks(self, scenario):
        """The processes of a training by rank, once there is a checkpoint from which a retry can go on."""
        until = time.monotonic() + 100
        checkpoints = self.directory / "results/checkpoints/denoise/unet/collection" / scenario
        while not list(checkpoints.glob("epoch-*.pt")):
            assert time.monotonic() < until, self.said()
            time.sleep(0.1)
        found = {}
        for process in psutil.process_iter(["cmdline", "environ"]):
            command, environment = process.info["cmdline"] or [], process.info["environ"] or {}
            if "protodune.stages.learn.train" in command and any(scenario in part for part in command):
                rank = environment.get("HOROVOD_RANK")
                if rank is not None and environment.get("PWD", str(self.directory)) == str(self.directory):
                    found[int(rank)] = process
        return found

    def same_as_undisturbed(self, scenario):
        (a, _), (b, _) = (load_weights(self.directory / self.weights(name)) for name in ("undisturbed", scenario))
        return all(torch.equal(value, b.module.state_dict()[key]) for key, value in a.module.state_dict().items())


@pytest.fixture(scope="module")
def run(cluster, tmp_path_factory):
    """From the simulation to a product: CPU jobs, a training of six ranks on three nodes, a GPU job."""
    finished = Run(cluster, tmp_path_factory.mktemp("work") / "run")
    targets = [finished.weights("undisturbed"), "results/products/denoise/unet.undisturbed/collection/sim_test.h5"]
    code = finished.finish(finished.start(*targets, nodes=3), 600)
    assert code == 0, finished.said()
    return finished


def test_six_ranks_on_three_nodes(run):
    text = run.log("undisturbed")
    assert "launch: 6 rank(s) on 3 node(s) (Slurm job" in text
    assert "backend horovod because it is installed, rendezvous 127.0.0.11:" in text
    assert "6 rank(s) by horovod, 1 thread(s) each" in text
    assert text.count("epoch 24/24") == 1
    assert "gres=gpu:1" in run.said(), "inference asked for a GPU"
    assert (run.directory / "results/products/denoise/unet.undisturbed/collection/sim_test.h5").is_file()


def test_a_killed_rank_costs_a_retry(run):
    process = run.start(run.weights("rank_killed"))
    run.ranks("rank_killed")[3].kill()
    assert run.finish(process) == 0, run.said()
    assert "resumed after epoch" in run.log("rank_killed")
    assert run.same_as_undisturbed("rank_killed")


def test_a_rank_that_hangs_is_ended_by_the_watchdog(run):
    process = run.start(run.weights("rank_hangs"))
    run.ranks("rank_hangs")[2].send_signal(signal.SIGSTOP)
    assert run.finish(process) == 0, run.said()
    assert re.search(r"rank \d: no progress for 0\.\d minutes", run.said()), "Snakemake shows the log of what failed"
    assert "resumed after epoch" in run.log("rank_hangs")
    assert run.same_as_undisturbed("rank_hangs")


def test_a_lost_node_costs_a_retry_elsewhere(run):
    process = run.start(run.weights("node_lost"))
    lost = run.ranks("node_lost")[2].environ()["SLURMD_NODENAME"]
    run.cluster.control("lose", lost)
    try:
        assert run.finish(process) == 0, run.said()
    finally:
        run.cluster.control("return", lost)
    assert "resumed after epoch" in run.log("node_lost")
    assert run.same_as_undisturbed("node_lost")


def test_a_killed_snakemake_leaves_a_job_that_is_named_and_a_restart_finishes(run):
    # On one node, so that the cluster has room for a second job; stopped, so that it is still there when the restart
    # comes, as a long training would be.
    process = run.start(run.weights("snakemake_killed"), nodes=1, train_options="--checkpoint-minutes 0")
    run.ranks("snakemake_killed")[0].send_signal(signal.SIGSTOP)
    process.kill()
    process.wait()
    [orphan] = run.cluster.jobs()
    assert run.finish(run.start("--unlock")) == 0, run.said()
    refused = run.start(run.weights("snakemake_killed"), "--retries", "0", nodes=1)
    assert run.finish(refused) == 1
    assert f"job {orphan} is training into this folder, expected nobody" in run.log("snakemake_killed")
    run.cluster.output("scancel", orphan)
    while run.cluster.jobs():
        time.sleep(0.2)
    assert run.finish(run.start(run.weights("snakemake_killed"))) == 0, run.said()
    assert "resumed after epoch" in run.log("snakemake_killed")
    assert run.same_as_undisturbed("snakemake_killed")


def test_a_partition_that_is_not_there_is_named(run):
    process = run.start(run.weights("no_partition"), slurm_partition="power9")
    assert run.finish(process) == 1
    assert "power9" in run.said()
    assert "invalid partition specified" in run.said()
    assert (run.directory / run.weights("undisturbed")).is_file(), "nothing was lost"
