"""A batch of a campaign: what fails is recorded, what may pass is tried again, and a killed job goes on."""

import json
import shutil
import subprocess
import sys
import time

import pytest
import uproot

from campaigns import cut_off, write_small
from helpers import REPOSITORY, job_environment
from protodune.campaign import chain
from protodune.core.tables import read_table
from protodune.stages.produce import clean, clean_batch

NETWORK = {"task": "denoise", "network": "unet", "precision": "float32"}
WEIGHTS = [f"{family}={REPOSITORY}/zoo/unet.{family}.safetensors" for family in ("induction", "collection")]

DEADLY = """
import os, sys
from protodune.campaign import chain
from protodune.stages.produce import clean_batch

begin = chain.Conversion.begin

def begin_or_die(settings, source, *others, **options):
    if "first" in source:
        os.kill(os.getpid(), 9)
    return begin(settings, source, *others, **options)

chain.Conversion.begin = begin_or_die
sys.exit(clean_batch.main(sys.argv[1:]))
"""
"""A job that the system kills at the first file."""


@pytest.fixture(scope="module")
def raw(raw_event, tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    for number, name in enumerate(("first", "second", "damaged"), start=1):
        write_small(folder / f"{name}.root", raw_event, number)
    cut_off(folder / "damaged.root")
    return folder


def arguments(folder, *files, draw=0, attempt=1, code="x", **clean_settings):
    settings = {"name": "zoo.v1", "networks": dict.fromkeys(("induction", "collection"), NETWORK), "clean": clean_settings}
    return [
        "--settings", json.dumps(settings), "--weights", *WEIGHTS, "--sample", "run1", "--files", *map(str, files),
        "--draw", str(draw), "--campaign", str(folder), "--output", str(folder / "batches" / "run1.0001.tsv"),
        "--code", code, "--attempt", str(attempt), "--attempts", "3",
    ]  # fmt: skip


def cleaned(folder, *files, exit_code=0, **options):
    """Status and kind of failure of each file."""
    assert clean_batch.main(arguments(folder, *files, **options)) == exit_code
    table = folder / "batches" / "run1.0001.tsv"
    return [(row["status"], row["kind"]) for row in read_table(table)] if exit_code == 0 else []


def test_the_files_are_those_of_protodune_clean_and_pictures_of_the_first(raw, tmp_path):
    found = cleaned(tmp_path, raw / "damaged.root", raw / "first.root", raw / "second.root", draw=2)
    assert found == [("failed", "damaged"), ("done", ""), ("done", "")]
    folder = tmp_path / "files" / "run1"
    assert {p.name for p in folder.iterdir()} == {
        "damaged.json",
        *(f"{n}.{e}" for n in ("first", "second") for e in ("json", "root")),
    }
    pictures = {p.name for p in (tmp_path / "pictures" / "run1").glob("*.png")}
    assert pictures == {"first.induction.png", "first.collection.png"}, "one of the two to draw is damaged"
    assert (
        clean.main(
            [str(raw / "first.root"), "--output", str(tmp_path / "bare"), "--runtime", "torch", "--precision", "float32"]
        )
        == 0
    )
    with uproot.open(folder / "first.root") as ours, uproot.open(tmp_path / "bare" / "first.root") as theirs:
        for tree in ("denoised", "charge", "regions"):
            a, b = (file[tree].arrays(library="ak").to_list() for file in (ours, theirs))
            assert a == b, tree


def test_what_failed_for_good_stays_until_the_file_changes(raw, tmp_path):
    source = tmp_path / "damaged.root"
    shutil.copy(raw / "damaged.root", source)
    assert cleaned(tmp_path, source) == [("failed", "damaged")]
    record = tmp_path / "files" / "run1" / "damaged.json"
    before = record.stat().st_mtime_ns
    assert cleaned(tmp_path, source) == [("failed", "damaged")]
    assert record.stat().st_mtime_ns == before, "it was not tried again"
    shutil.copy(raw / "second.root", source)
    assert cleaned(tmp_path, source) == [("done", "")]
    assert cleaned(tmp_path, source) == [("done earlier", "")]
    assert cleaned(tmp_path, source, code="y")[0][0] == "done", "other code makes it anew"


def test_a_cleaned_file_stays_when_its_source_is_gone_or_damaged_later(raw, tmp_path):
    source = tmp_path / "a.root"
    shutil.copy(raw / "first.root", source)
    assert cleaned(tmp_path, source) == [("done", "")]
    source.unlink()
    assert cleaned(tmp_path, source) == [("done earlier", "")]
    shutil.copy(raw / "damaged.root", source)
    assert cleaned(tmp_path, source) == [("failed", "damaged")]
    assert not (tmp_path / "files" / "run1" / "a.root").exists(), "what was made of another state of the file"


def test_what_may_pass_fails_the_job_after_the_other_files_and_stands_at_last(raw, tmp_path, monkeypatch, capsys):
    begin = chain.Conversion.begin

    def flaky(settings, source, *others, **options):
        if "first" in source:
            raise OSError(116, "Stale file handle", source)
        return begin(settings, source, *others, **options)

    monkeypatch.setattr(chain.Conversion, "begin", flaky)
    files = (raw / "first.root", raw / "second.root")
    cleaned(tmp_path, *files, exit_code=1)
    said = capsys.readouterr().err
    assert "1 of 2 files failed for a reason that may pass: " in said
    assert "first.root: Stale file handle; attempt 1 of 3, the next one tries them again" in said
    assert (tmp_path / "files" / "run1" / "second.root").is_file()
    assert not (tmp_path / "batches").exists(), "the batch is not done"
    assert cleaned(tmp_path, *files, attempt=3) == [("failed", "passing"), ("done earlier", "")]
    monkeypatch.undo()
    assert cleaned(tmp_path, *files) == [("done", ""), ("done earlier", "")]


def test_a_file_that_ends_the_job_is_left_out_at_last(raw, tmp_path):
    command = [sys.executable, "-c", DEADLY]
    files = arguments(tmp_path, raw / "first.root", raw / "second.root")
    codes = [
        subprocess.run([*command, *files], env=job_environment(), capture_output=True, check=False).returncode for _ in "123"
    ]
    assert codes == [-9, -9, 0]
    rows = read_table(tmp_path / "batches" / "run1.0001.tsv")
    assert [(r["status"], r["kind"]) for r in rows] == [("failed", "damaged"), ("done", "")]
    assert cleaned(tmp_path, raw / "first.root", code="y2") == [("done", "")], "with other code it is begun anew"
    assert not list((tmp_path / "files" / "run1").glob(".*")), "nothing is left of the jobs that were killed"
    assert "first.root: the job ended 2 times while it was at this file, without a word of its own" in rows[0]["cause"]


def test_a_full_disk_ends_the_job_in_words_and_the_same_command_goes_on(raw, tmp_path, capsys):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], capture_output=True, check=False).returncode:
        pytest.skip("found no way to mount a small disk, which takes root")
    try:
        files = (raw / "first.root", raw / "second.root")
        scratch = [f"--scratch={tmp_path}"]
        assert clean_batch.main(arguments(disk, *files) + scratch) == 1
        assert "the disk is full; make room and give the same command again: what is done is kept" in capsys.readouterr().err
        assert {p.name for p in (disk / "files" / "run1").iterdir()} == {"first.json", "first.root"}
        subprocess.run(["mount", "-o", "remount,size=9m", disk], check=True)
        assert clean_batch.main(arguments(disk, *files) + scratch) == 0
        assert [r["status"] for r in read_table(disk / "batches" / "run1.0001.tsv")] == ["done earlier", "done"]
    finally:
        subprocess.run(["umount", disk], check=True)


def test_what_lies_in_between_stays_if_asked_for(raw, tmp_path):
    assert cleaned(tmp_path, raw / "first.root") == [("done", "")]
    keep = str(tmp_path / "between")
    assert cleaned(tmp_path, raw / "first.root", keep=keep) == [("done", "")], "it has to be made for that"
    assert {p.name for p in (tmp_path / "between" / "run1" / "first").iterdir()} == {
        "1.events.h5", "1.induction.h5", "1.collection.h5"
    }  # fmt: skip
    assert cleaned(tmp_path, raw / "first.root", keep=keep) == [("done earlier", "")]


def test_two_jobs_of_one_batch_clean_a_file_once(raw, tmp_path):
    """As when Snakemake was killed, its job goes on, and the next Snakemake starts the batch again."""
    command = [sys.executable, "-m", "protodune.stages.produce.clean_batch", *arguments(tmp_path, raw / "first.root")]
    jobs = []
    for _ in range(2):
        jobs.append(subprocess.Popen(command, env=job_environment(), stderr=subprocess.PIPE, text=True))
        time.sleep(0.5)
    said = [job.communicate(timeout=120)[1] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0]
    assert sorted("1 done earlier" in text for text in said) == [False, True]
    assert sum("is at this batch; waiting until it ends" in text for text in said) == 1
