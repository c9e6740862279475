"""A campaign by the README's commands: killed, gone on with, files added and mended; and what is refused."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import pytest

from campaigns import cut_off, write_small
from clones import BLOCKS, Clone
from helpers import REPOSITORY, job_environment
from protodune.core.tables import read_table

SHEET, CONFIGURATION, RUN, STATUS = BLOCKS[-1]
SMALL = f"{RUN} --config 'campaign={{files_per_job: 3, draw: 1}}'"


class Campaign:
    """A copy of the repository with a campaign over seven files, in batches of three, of which the second is damaged."""

    def __init__(self, folder, raw_event):
        self.clone, self.raw, self.event = Clone(folder), folder / "raw $(touch x)", raw_event
        self.folder = self.clone.results / "campaign"
        for number in range(1, 8):
            write_small(self.raw / f"f{number}.root", raw_event, number, run=5387 + number // 5)
        cut_off(self.raw / "f2.root")
        self.clone.run(SHEET.replace("/path/to/run5387", str(self.raw)))
        self.clone.run(CONFIGURATION)

    def status(self):
        """What the README's last command prints."""
        return self.clone.run(f"PYTHONPATH={shlex.quote(str(self.clone.folder / 'workflow'))} {STATUS}")

    def batches(self):
        """The batches that a run cleans, by number."""
        return sorted(re.findall(r"wildcards: sample=run5387, number=(\d+)", self.clone.run(SMALL)))

    def made(self):
        """Time of each file that was cleaned, as its record says."""
        records = {p: json.loads(p.read_text()) for p in (self.folder / "files" / "run5387").glob("*.json")}
        return {p.stem: p.with_suffix(".root").stat().st_mtime_ns for p, said in records.items() if said["status"] == "done"}

    def table(self):
        """The row of each file."""
        return {row["file"].rsplit("/", 1)[-1]: row for row in read_table(self.folder / "files.tsv")}


@pytest.fixture(scope="module")
def killed(raw_event, tmp_path_factory):
    """Snakemake and its job killed when the first files were cleaned."""
    campaign = Campaign(tmp_path_factory.mktemp("a b"), raw_event)
    process = subprocess.Popen(
        ["bash", "-c", SMALL], cwd=campaign.clone.folder, env=job_environment(), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until = time.monotonic() + 120
    while not campaign.made():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return campaign


def test_after_a_kill_the_status_is_told_and_the_run_goes_on_at_the_file_where_it_was(killed):
    before, said = killed.made(), killed.status()
    assert f"7 files: {len(before)} done" in said
    assert " pending; " in said
    killed.clone.run(f"{SMALL} --unlock")
    killed.batches()
    after = killed.made()
    assert set(after) == {f"f{n}" for n in (1, 3, 4, 5, 6, 7)}
    assert {name: after[name] for name in before} == before, "what was cleaned was not cleaned again"
    assert killed.table()["f2.root"]["status"] == "failed"
    assert "the file is damaged, copy it again" in killed.table()["f2.root"]["cause"]
    assert not list(killed.clone.folder.glob("**/x")), "the name of the folder was not run"


def test_tables_figure_pictures_and_page(killed):
    said = killed.status()
    assert "7 files: 6 done, 1 failed; 6 events" in said
    assert "* failed: run5387: " in said
    assert {(r["run"], r["done"]) for r in read_table(killed.folder / "runs.tsv")} == {
        ("5387", "3"),
        ("5388", "3"),
        ("", "0"),
    }
    quality = read_table(killed.folder / "quality.tsv")
    assert {(r["run"], r["plane"]) for r in quality} == {(run, p) for run in ("5387", "5388") for p in "UVX"}
    assert all(0 < float(r["occupancy"]) < 0.2 and 1 < float(r["noise_rms"]) < 20 for r in quality)
    assert (killed.clone.results / "figures" / "campaign.all.png").stat().st_size > 10_000
    page = (killed.folder / "status.html").read_text()
    assert 'href="pictures/run5387/f1.collection.png"' in page
    assert "f2.root" in page
    assert len(page) < 20_000
    assert {p.name for p in (killed.folder / "pictures" / "run5387").glob("*.png")} == {
        "f1.collection.png", "f1.induction.png"
    }  # fmt: skip


def test_new_and_mended_files_run_their_batches_and_no_other(killed):
    before = killed.made()
    write_small(killed.raw / "f2.root", killed.event, 2)
    write_small(killed.raw / "f8.root", killed.event, 8)
    write_small(killed.raw / "f9.root", killed.event, 1, run=5387)
    (killed.raw / "f91.root").symlink_to(killed.raw / "nowhere.root")
    assert killed.batches() == ["0001", "0003", "0004"]
    after = killed.made()
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"f2", "f8", "f9"}
    table = killed.table()
    assert [table[f"f{n}.root"]["status"] for n in (1, 2, 8, 9, 91)] == ["done", "done", "done", "failed", "failed"]
    assert "event (5387, 0, 1) (run, subrun, event) is in" in table["f9.root"]["cause"]
    assert "f91.root: found no such file" in table["f91.root"]["cause"]
    assert killed.batches() == []


def test_other_targets_refuse_rows_of_many_files_and_an_empty_pattern_is_said(killed):
    other = RUN.replace(" campaign ", " ")
    assert other != RUN
    said = killed.clone.run(f"{other} --dry-run", expected=1)
    assert "mine.tsv: sample 'run5387' is many files (" in said
    assert "which `snakemake campaign` cleans; for this target give each file a row of its own, in another sheet" in said
    killed.clone.run(SHEET)
    assert "source /path/to/run5387/*.root" not in said
    said += killed.clone.run(f"{RUN} --dry-run", expected=1)
    assert "sample 'run5387': /path/to/run5387/*.root: no file matches, expected one or more; mend the pattern" in said
    assert "Traceback" not in said


def test_ten_thousand_files_are_planned_in_ten_seconds_and_300_mb():
    command = [sys.executable, str(REPOSITORY / "benchmarks" / "campaign.py"), "plan"]
    said = subprocess.run(command, env=job_environment(), check=True, capture_output=True, text=True).stdout
    seconds, megabytes, jobs = re.search(r"([\d.]+) CPU s, (\d+) MB; clean_batch (\d+) jobs", said).groups()
    assert (float(seconds) < 10, int(megabytes) < 300, int(jobs)) == (True, True, 500), said
