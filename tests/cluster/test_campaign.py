"""A campaign on a real Slurm: a node is lost, Snakemake is killed, every second batch has a damaged file."""

import json
import subprocess
import sys
import time

import psutil
import pytest
import yaml

from campaigns import cut_off, write_small
from clusters import NEEDS_SLURM
from helpers import REPOSITORY
from protodune.campaign.state import read_state
from protodune.core.tables import read_table

pytestmark = NEEDS_SLURM

FILES, FILES_PER_JOB = 24, 4
DAMAGED = {f"f{number:02d}" for number in range(1, FILES + 1, 2 * FILES_PER_JOB)}
GOOD = {f"f{number:02d}" for number in range(FILES)} - DAMAGED


class Campaign:
    """A working directory with raw files, of which every second batch has a damaged one."""

    def __init__(self, cluster, directory, event):
        self.cluster, self.directory = cluster, directory
        self.folder = directory / "results" / "campaign"
        for number in range(FILES):
            path = write_small(directory / "raw" / f"f{number:02d}.root", event, number)
            if path.stem in DAMAGED:
                cut_off(path)
        (directory / "mine.tsv").write_text("sample\tsplit\tkind\tsource\nrun1\ttest\tdata\traw/*.root\n")
        (directory / "mine.yaml").write_text("samples: mine.tsv\n")
        profile = yaml.safe_load((REPOSITORY / "profiles" / "power8" / "config.yaml").read_text())
        del profile["default-resources"]["slurm_account"]
        profile["slurm-init-seconds-before-status-checks"] = 2
        profile["latency-wait"], profile["seconds-between-status-checks"] = 10, 2
        profile["set-threads"]["clean_batch"] = 1
        profile["set-resources"]["clean_batch"] |= {"mem_mb": 3000, "runtime": 10}
        profile["config"] = [f"campaign={{files_per_job: {FILES_PER_JOB}, draw: 1}}"]
        (directory / "profile").mkdir()
        (directory / "profile" / "config.yaml").write_text(yaml.safe_dump(profile))

    def start(self, *arguments):
        command = [sys.executable, "-m", "snakemake", "campaign", "-s", REPOSITORY / "Snakefile", "--profile", "profile"]
        files = [REPOSITORY / "config" / "campaign.yaml", "mine.yaml"]
        log = (self.directory / "snakemake.log").open("a")
        return subprocess.Popen(
            list(map(str, [*command, *arguments, "--configfile", *files])),
            cwd=self.directory, env=self.cluster.environment(), stdout=log, stderr=log,
        )  # fmt: skip

    def said(self):
        return (self.directory / "snakemake.log").read_text()

    def finish(self, *arguments, seconds=240):
        process = self.start(*arguments)
        try:
            return process.wait(seconds)
        finally:
            process.kill()

    def records(self, status):
        """Names of the files whose records say so, and when these were written."""
        found = {}
        for path in (self.folder / "files" / "run1").glob("*.json"):
            said = json.loads(path.read_text())
            if said["status"] == status:
                found[path.stem] = said["time"]
        return found

    def wait_for(self, condition):
        until = time.monotonic() + 100
        while not (found := condition()):
            assert time.monotonic() < until, self.said()
            time.sleep(0.05)
        return found

    def nodes(self):
        """Nodes with a job that is at a file."""
        found = []
        for process in psutil.process_iter(["cmdline", "environ"]):
            command, environment = process.info["cmdline"] or [], process.info["environ"] or {}
            if "protodune.stages.produce.clean_batch" in command and command[0].endswith("python"):
                found.append(environment.get("SLURMD_NODENAME"))
        return [node for node in found if node]


@pytest.fixture(scope="module")
def campaign(cluster, raw_event, tmp_path_factory):
    """Begun; a node lost while a file was cleaned, Snakemake killed a few files later; gone on with to the end."""
    lab = Campaign(cluster, tmp_path_factory.mktemp("campaign"), raw_event)
    process = lab.start()
    lab.wait_for(lambda: lab.records("begun") and lab.nodes())
    lost = lab.nodes()[0]
    cluster.control("lose", lost)
    try:
        lab.wait_for(lambda: len(lab.records("done")) >= 5)
        process.kill()
        process.wait()
        lab.at_the_kill = lab.records("done")
        lab.jobs_at_the_kill = cluster.jobs()
        lab.state_at_the_kill = read_state(lab.folder)
        assert lab.finish("--unlock") == 0, lab.said()
        lab.code = lab.finish()
    finally:
        cluster.control("return", lost)
    return lab


def test_all_good_files_are_done_once_and_bad_ones_are_listed(campaign):
    assert campaign.code == 0, campaign.said()
    rows = read_table(campaign.folder / "files.tsv")
    assert len(rows) == FILES
    status = {row["file"].removeprefix("raw/").removesuffix(".root"): row["status"] for row in rows}
    assert {name for name, found in status.items() if found == "done"} == GOOD
    assert {name for name, found in status.items() if found == "failed"} == DAMAGED
    assert all("the file is damaged, copy it again" in row["cause"] for row in rows if row["status"] == "failed")
    assert {p.stem for p in (campaign.folder / "files" / "run1").glob("*.root")} == GOOD


def test_what_was_done_before_the_kill_was_not_done_again(campaign):
    after = campaign.records("done")
    assert {name: after[name] for name in campaign.at_the_kill} == campaign.at_the_kill
    assert len(campaign.at_the_kill) >= 5


def test_the_state_was_told_meanwhile(campaign):
    state = campaign.state_at_the_kill
    assert state.count("done") >= 5
    assert state.count("pending") + state.count("running") > 0
    assert campaign.jobs_at_the_kill, "jobs that Snakemake left behind"


def test_nothing_is_left_to_do(campaign):
    batches = {p.name: p.stat().st_mtime_ns for p in (campaign.folder / "batches").iterdir()}
    assert len(batches) == FILES / FILES_PER_JOB
    assert campaign.finish() == 0, campaign.said()
    assert {p.name: p.stat().st_mtime_ns for p in (campaign.folder / "batches").iterdir()} == batches
