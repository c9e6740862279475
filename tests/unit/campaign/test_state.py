"""The state of a campaign from its plan and records, whatever is there of them."""

import os
import subprocess
import sys
import time

import pytest

from helpers import job_environment
from protodune.campaign.lock import alone, held
from protodune.campaign.records import DAMAGED, Record
from protodune.campaign.state import forget_failures, read_state
from protodune.core.errors import ProtoduneError

QUALITY = {
    "run": 1, "plane": "X", "images": 2, "channels": 1920, "bad_channels": 6, "noise_rms": 3.0, "pixels": 1000, "regions": 8,
    "region_pixels": 100,
}  # fmt: skip


def made(event, **quality):
    return {
        "events": [[1, 0, event]], "lost": [{"entry": 3, "cause": "torn\nbasket"}], "images": 2, "output_bytes": 500,
        "source_bytes": 1000, "seconds": 2.0, "quality": [{**QUALITY, **quality}],
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """Seven files: two done, one with an event of the first, one damaged, one begun, one not, one refused."""
    names = ["a", "b", "again", "damaged", "begun", "later"]
    lines = ["sample\tbatch\tfile\trefused", *(f"s\t{1 + i // 4}\traw/{name}.root\t" for i, name in enumerate(names))]
    (tmp_path / "plan.tsv").write_text("\n".join([*lines, "s\t\traw/a.root\traw/a.root: is listed twice"]) + "\n")

    def record(name):
        return Record.read(tmp_path / "files" / "s" / f"{name}.json")

    record("a").done({}, made(1))
    record("b").done({}, made(2, images=6, noise_rms=4.0, regions=0, region_pixels=0))
    record("again").done({}, made(1))
    record("damaged").failed({}, DAMAGED, "raw/damaged.root: torn")
    record("begun").begin({})
    (tmp_path / "batches").mkdir()
    for number in (1, 2):
        (tmp_path / "batches" / f"s.000{number}.tsv").touch()
    return tmp_path


def test_every_file_has_a_status_and_a_reason(folder):
    rows = {(row["file"], row["batch"]): row for row in read_state(folder).files}
    status = {name.removeprefix("raw/").removesuffix(".root") + batch: row["status"] for (name, batch), row in rows.items()}
    assert status == {
        "a1": "done", "b1": "done", "again1": "failed", "damaged1": "failed", "begun2": "pending", "later2": "pending",
        "a": "failed",
    }  # fmt: skip
    assert "event (1, 0, 1) (run, subrun, event) is in raw/a.root as well" in rows["raw/again.root", "1"]["cause"]
    assert rows["raw/damaged.root", "1"]["cause"] == "raw/damaged.root: torn"
    assert rows["raw/a.root", ""]["cause"] == "raw/a.root: is listed twice"
    assert rows["raw/a.root", "1"]["cause"] == "1 damaged event(s) left out: torn basket"


def test_sums_and_quality_count_what_is_done_once(folder):
    state = read_state(folder)
    first, rest = state.runs
    assert (first["run"], first["done"], first["events"], first["lost_events"], first["events_per_s"]) == (1, 2, 2, 2, 0.5)
    assert (rest["run"], rest["failed"], rest["pending"], rest["events_per_s"]) == ("", 3, 2, "")
    [quality] = state.quality
    assert quality["noise_rms"] == pytest.approx((2 * 3 + 6 * 4) / 8)
    assert (quality["events"], quality["images"], quality["bad_channels"]) == (2, 8, 12 / 8)
    assert quality["occupancy"] == pytest.approx(100 / 2000)
    assert quality["regions_per_event"] == 4


def test_a_file_at_which_a_job_is_runs(folder):
    lock = folder / "locks" / "s.0002"
    code = f"from pathlib import Path\nfrom protodune.campaign.lock import alone\nwith alone(Path({str(lock)!r})): input()"
    job = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, env=job_environment())
    try:
        until = time.monotonic() + 20
        while not held(lock):
            assert time.monotonic() < until
            time.sleep(0.02)
        assert read_state(folder).count("running") == 1
        job.kill()
        job.wait()
        assert read_state(folder).count("running") == 0, "the lock ends with the process"
        with alone(lock):
            assert f"process {os.getpid()} on" in lock.read_text()
    finally:
        job.kill()
        job.stdin.close()


def test_failures_are_forgotten_and_nothing_else(folder):
    assert forget_failures(folder) == 2, "the damaged file, and that at which a job ended"
    assert {p.name for p in (folder / "files" / "s").iterdir()} == {"a.json", "b.json", "again.json"}
    assert not list((folder / "batches").iterdir())
    assert read_state(folder).count("pending") == 3
    assert forget_failures(folder) == 0


def test_no_campaign_is_said(tmp_path):
    with pytest.raises(ProtoduneError, match=r"plan\.tsv: found no campaign, expected one; run `snakemake campaign`"):
        read_state(tmp_path)
