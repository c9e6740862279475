"""Slots, allocations and environments of ranks, from what queues say."""

import time

import pytest

from protodune.core.errors import ProtoduneError
from protodune.launch import allocation as where
from protodune.launch.allocation import Allocation, find_allocation, parse_slurm_job, plan_slots
from protodune.launch.rendezvous import choose_backend
from protodune.launch.starters import commands, exit_text, run_together
from protodune.launch.worker import own_cpus, rank_environment, slot_of_slurm_task

# Slurm 22.05, `scontrol -o show job`, shortened.
JOB = (
    "JobId=12 JobName=x NumNodes=3 NumCPUs=6 NumTasks=6 CPUs/Task=1 ReqB:S:C:T=0:0:*:* TRES=cpu=6,mem=9000M,node=3 "
    "Socks/Node=* NtasksPerN:B:S:C=2:0:*:* CoreSpec=* NodeList=minsky[1-3]"
)
HOSTS = ["minsky1", "minsky2", "minsky3"]


def test_slots_fill_the_hosts_in_order():
    slots = plan_slots(HOSTS, 4)
    assert [s.rank for s in slots] == list(range(12))
    assert (slots[5].host, slots[5].local_rank, slots[5].cross_rank) == ("minsky2", 1, 1)
    assert {(s.size, s.local_size, s.cross_size) for s in slots} == {(12, 4, 3)}


def test_fewer_ranks_leave_the_last_host_with_fewer():
    slots = plan_slots(HOSTS, 4, 6)
    assert [s.local_size for s in slots] == [4] * 4 + [2] * 2
    assert [s.cross_size for s in slots] == [2, 2, 1, 1, 2, 2]
    with pytest.raises(ProtoduneError, match=r"13 ranks wanted, found room for 12 \(3 nodes of 4\)"):
        plan_slots(HOSTS, 4, 13)


def test_what_slurm_says(monkeypatch):
    monkeypatch.setattr(where, "_output", lambda command: "NodeName=minsky1 Arch=x NodeAddr=127.0.0.11 Port=1")
    monkeypatch.delenv("SLURMD_NODENAME", raising=False)
    found = parse_slurm_job(JOB, HOSTS, "12")
    assert found == Allocation("Slurm job 12", tuple(HOSTS), 2, 1, "127.0.0.11")
    by_number = JOB.replace("NtasksPerN:B:S:C=2:0", "NtasksPerN:B:S:C=0:0")
    assert parse_slurm_job(by_number, HOSTS, "12").per_host == 2
    with pytest.raises(ProtoduneError, match="Slurm job 12 has 7 tasks on 3 nodes, expected as many on each"):
        parse_slurm_job(by_number.replace("NumTasks=6", "NumTasks=7"), HOSTS, "12")


def test_a_slurm_job_without_slurm_is_told(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ProtoduneError, match="found no command scontrol"):
        find_allocation(0)


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ("n1 4 n2 4", (("n1", "n2"), 4)),
        ("batch 1 n1 4 n2 4", (("n1", "n2"), 4)),  # CORAL's launch node comes first and runs nothing
        ("n1 1 n2 1", (("n1", "n2"), 1)),
    ],
)
def test_what_lsf_says(hosts, expected, monkeypatch, tmp_path):
    (tmp_path / "blaunch").write_text("#!/bin/sh\n")
    (tmp_path / "blaunch").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv("LSB_JOBID", "7")
    monkeypatch.setenv("LSB_MCPU_HOSTS", hosts)
    found = find_allocation(0)
    assert (found.hosts, found.per_host, found.queue) == (*expected, "LSF job 7")
    lines = commands(found, plan_slots(found.hosts, found.per_host), "{}", "", ["true"])
    assert [line[:2] for line in lines] == [["blaunch", host] for host in found.hosts for _ in range(found.per_host)]
    assert lines[-1][-4:] == ["--rank", str(len(lines) - 1), "--", "true"]


def test_uneven_lsf_hosts_are_refused(monkeypatch, tmp_path):
    (tmp_path / "blaunch").write_text("#!/bin/sh\n")
    (tmp_path / "blaunch").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv("LSB_JOBID", "7")
    monkeypatch.setenv("LSB_MCPU_HOSTS", "n1 4 n2 3")
    with pytest.raises(ProtoduneError, match=r"expected hosts with equal numbers of slots; .*span\[ptile=N\]"):
        find_allocation(0)


def test_slurm_starts_all_ranks_with_one_srun():
    found = Allocation("Slurm job 12", tuple(HOSTS), 2, 3, "127.0.0.11")
    [line] = commands(found, plan_slots(HOSTS, 2), "{}", "--gpus-per-task=1", ["python", "x.py"])
    assert line[:6] == [
        "srun",
        "--nodes=3",
        "--ntasks=6",
        "--ntasks-per-node=2",
        "--cpus-per-task=3",
        "--distribution=block",
    ]
    assert "--kill-on-bad-exit=1" in line
    assert "--gpus-per-task=1" in line
    assert line[-3:] == ["--", "python", "x.py"]


def test_options_with_an_open_quote_are_one_sentence():
    found = Allocation("Slurm job 1", ("n1",), 1, 1, "127.0.0.1")
    with pytest.raises(
        ProtoduneError, match=r"--srun-options: found \"--comment='a\" \(No closing quotation\), expected words"
    ):
        commands(found, plan_slots(("n1",), 1), "{}", "--comment='a", ["true"])


def test_a_slurm_task_finds_its_slot(monkeypatch):
    slots = plan_slots(HOSTS, 2)
    monkeypatch.setenv("SLURM_PROCID", "3")
    monkeypatch.setenv("SLURM_LOCALID", "1")
    assert slot_of_slurm_task(slots) is slots[3]
    monkeypatch.setenv("SLURM_LOCALID", "0")
    with pytest.raises(ProtoduneError, match="Slurm gave rank 3 the place 0 on its node, expected 1"):
        slot_of_slurm_task(slots)


def test_the_environment_of_a_rank():
    slot = plan_slots(HOSTS, 2)[3]
    horovod = rank_environment(slot, "horovod", "127.0.0.1", 99, 2, False)
    assert horovod["HOROVOD_GLOO_IFACE"] == "lo"
    names = ("RANK", "SIZE", "LOCAL_RANK", "LOCAL_SIZE", "CROSS_RANK", "CROSS_SIZE", "CONTROLLER")
    assert [horovod[f"HOROVOD_{name}"] for name in names] == ["3", "6", "1", "2", "1", "3", "gloo"]
    assert horovod["OMP_NUM_THREADS"] == "2"
    torch = rank_environment(slot, "torch", "127.0.0.1", 99, 0, False)
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "PROTODUNE_BACKEND")
    assert [torch[name] for name in names] == ["3", "6", "1", "127.0.0.1", "99", "torch"]
    assert "OMP_NUM_THREADS" not in torch
    assert "HOROVOD_RANK" not in rank_environment(slot, "horovod", "127.0.0.1", 99, 0, True), "MPI tells it"


def test_cpus_are_shared_out_only_where_the_queue_confined_the_ranks():
    slot = plan_slots(["n"], 4)[2]
    assert own_cpus(list(range(8, 16)), 64, slot, 2) == [12, 13]
    assert own_cpus(list(range(64)), 64, slot, 2) is None
    assert own_cpus([4, 5], 64, slot, 2) is None, "a task with CPUs of its own"
    assert own_cpus(list(range(8)), 8, slot, 2) is None, "a whole machine, whoever else is there"
    assert own_cpus([0], 64, plan_slots(["n"], 1)[0], 1) is None


def test_the_first_failure_ends_all_and_is_the_exit_code():
    sleeper, started = ["sleep", "60"], time.monotonic()
    assert run_together([sleeper, ["sh", "-c", "exit 3"], sleeper]) == 3
    assert time.monotonic() - started < 30, "a failure was seen when the others had ended"
    assert run_together([["true"], ["true"]]) == 0
    assert run_together([["sh", "-c", "kill -9 $$"], sleeper]) == 128 + 9
    assert exit_text(-9) == "signal SIGKILL"


def test_a_starter_that_is_not_there_is_named():
    with pytest.raises(ProtoduneError, match=r"cannot start no_srun \(No such file or directory\)"):
        run_together([["sleep", "60"], ["no_srun"]])


def test_horovod_is_taken_where_it_is(monkeypatch):
    assert choose_backend("torch") == ("torch", "as asked for")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert choose_backend("auto") == ("torch", "Horovod is not installed")
    with pytest.raises(ProtoduneError, match="backend horovod is not installed"):
        choose_backend("horovod")
