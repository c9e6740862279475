"""What a run says last: the errors of the jobs that failed in this run and in no other."""

import logging

import pytest

from protodune.dag.failures import Failures


@pytest.fixture
def failures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    handler = Failures()
    log = logging.Logger("snakemake")
    log.addHandler(handler)

    def happen(event, job, rule="convert_sample", logs=("a.log",)):
        number = {"job_id": job} if event == "job_finished" else {"jobid": job}
        log.error("", extra={"event": event, "rule_name": rule, "log": list(logs), **number})

    handler.happen = happen
    return handler


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def test_the_error_the_log_and_what_to_do(failures):
    failures.happen("job_info", 1)
    write("a.log", "convert: 3 events\nconvert: error: run.root: found nothing, expected a file\n")
    failures.happen("job_error", 1)
    assert failures.text().splitlines()[1:4] == [
        "protodune: 1 job failed:",
        "convert: error: run.root: found nothing, expected a file",
        "  log: a.log",
    ]
    assert failures.text().splitlines()[4].startswith("Mend what the message says and give the same command again")


def test_an_error_of_an_earlier_run_is_not_shown(failures):
    write("a.log", "convert: error: an old one\n")
    failures.happen("job_info", 1)
    write("slurm.log", "slurmstepd: error: Detected 1 oom_kill event\n")
    failures.happen("job_error", 1, logs=("a.log", "slurm.log"))
    text = failures.text()
    assert "an old one" not in text
    assert "convert_sample: ended without a message of its own; its last line: slurmstepd: error: Detected 1 oom" in text
    assert "  log: slurm.log" in text
    assert "a.log" not in text


def test_a_job_that_wrote_nothing(failures):
    failures.happen("job_info", 1)
    failures.happen("job_error", 1)
    assert "convert_sample: ended without a message of its own\n  log: a.log (nothing was written)" in failures.text()


def test_a_second_attempt_that_went_well_is_no_failure(failures):
    for job in (1, 2):
        failures.happen("job_info", job)
        write("a.log", f"train: error: number {job}\n")
        failures.happen("job_error", job)
    failures.happen("job_finished", 2)
    assert "protodune: 1 job failed" in failures.text()


def test_ranks_say_it_once(failures):
    write("a.log", "")
    failures.happen("job_info", 1, "train_model")
    write(
        "a.log", "0: train: error: no patches\n1: train: error: no patches\nsrun: error: node1: task 0: Exited with code 1\n"
    )
    failures.happen("job_error", 1, "train_model")
    assert failures.text().count("error: ") == 1


def test_a_fault_of_the_program_shows_its_last_line(failures):
    failures.happen("job_info", 1)
    with open("a.log", "wb") as file:
        file.write(b"\xff" * 300_000 + b"\nTraceback (most recent call last):\n  File ...\nKeyError: 'x'\n\n")
    failures.happen("job_error", 1)
    assert "its last line: KeyError: 'x'" in failures.text()


def test_many_failures_are_counted(failures):
    for job in range(12):
        failures.happen("job_info", job, logs=(f"{job}.log",))
        failures.happen("job_error", job, logs=(f"{job}.log",))
    assert "12 jobs failed" in failures.text()
    assert "... and 2 more; all logs are in results/logs" in failures.text()


def test_a_run_that_ended_without_a_failed_job(failures):
    assert failures.text() == "protodune: error: the run ended early; Snakemake says above why"
