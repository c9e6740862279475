"""Campaigns as planned: batches that stay when files are added, files that are refused, and what re-runs a batch."""

import os
from types import SimpleNamespace

import pytest

from configurations import problems, sheet
from protodune.dag.campaign import Campaign
from protodune.dag.config_check import check_config
from protodune.dag.digest import closure
from protodune.dag.files import Files
from protodune.dag.selection import Selection


def planned(config, tmp_path, *rows, network="zoo.v1", **wanted):
    config["trials"], config["figures"]["network"] = "config/clean/trials.tsv", network
    config["campaign"] = wanted
    of = Selection(check_config(sheet(config, tmp_path, *rows, header="sample\tsplit\tkind\tsource\tpartner\n")))
    return Campaign(of, Files(of))


def listed(tmp_path, *names):
    (tmp_path / "files.txt").write_text("\n".join(names) + "\n")
    return f"run1|test|data|@{tmp_path}/files.txt"


def batch(number, sample="run1"):
    return SimpleNamespace(sample=sample, number=f"{number:04d}")


def test_files_at_the_end_of_a_list_change_only_the_last_batch(config, tmp_path):
    names = [f"/raw/{n}.root" for n in "abcde"]
    before = planned(config, tmp_path, listed(tmp_path, *names), "run2|test|data|/raw/z.root", files_per_job=2)
    tables = before.tables()
    assert tables == [f"results/campaign/batches/{n}.tsv" for n in ("run1.0001", "run1.0002", "run1.0003", "run2.0001")]
    after = planned(config, tmp_path, listed(tmp_path, *names, "/raw/f.root"), "run2|test|data|/raw/z.root", files_per_job=2)
    assert after.tables() == tables
    same = [before.files(batch(n)) == after.files(batch(n)) for n in (1, 2, 3)]
    assert same == [True, True, False]
    assert [before.state(batch(n)) == after.state(batch(n)) for n in (1, 2, 3)] == same
    assert after.files(batch(3)) == ["/raw/e.root", "/raw/f.root"]


def test_a_batch_holds_so_many_gb_but_at_least_a_file(config, tmp_path):
    for name, size in (("a", 600), ("b", 500), ("c", 400), ("d", 3000), ("e", 1)):
        (tmp_path / f"{name}.root").write_bytes(b"0" * size)
    row = f"run1|test|data|{tmp_path}/*.root"
    plan = planned(config, tmp_path, row, gb_per_job=1000e-9, files_per_job=9)
    found = [[os.path.basename(f)[0] for f in plan.files(batch(n + 1))] for n in range(len(plan.tables()))]
    assert found == [["a"], ["b", "c"], ["d"], ["e"]]


def test_files_that_cannot_be_told_apart_are_lines_of_the_plan(config, tmp_path):
    plan = planned(config, tmp_path, listed(tmp_path, "/a/x.root", "/a/y.root", "/a/x.root", "root://h//b/y.root?z=1"))
    assert plan.files(batch(1)) == ["/a/x.root", "/a/y.root"]
    lines = plan.plan().splitlines()
    assert lines[:3] == ["sample\tbatch\tfile\trefused", "run1\t1\t/a/x.root\t", "run1\t1\t/a/y.root\t"]
    assert "/a/x.root: is listed twice, expected each file once; take it out of @" in lines[3]
    assert "root://h//b/y.root?z=1: has the name of /a/y.root, and products are called by it" in lines[4]


def test_a_batch_runs_again_when_a_file_changes_or_comes(config, tmp_path):
    plan = planned(config, tmp_path, listed(tmp_path, f"{tmp_path}/a.root", "root://h//b.root"))
    states = [plan.state(batch(1))]
    for content in ("x", "xy"):
        (tmp_path / "a.root").write_text(content)
        states.append(plan.state(batch(1)))
    os.utime(tmp_path / "a.root", ns=(1, 1))
    states.append(plan.state(batch(1)))
    assert len(set(states)) == 4


def test_the_first_files_of_a_sample_are_drawn(config, tmp_path):
    row = listed(tmp_path, *(f"/raw/{n}.root" for n in "abcde"))
    plan = planned(config, tmp_path, row, draw=3, files_per_job=2)
    assert [plan.drawn(batch(n)) for n in (1, 2, 3)] == [2, 1, 0]


def test_pictures_and_tables_make_no_file_anew():
    computed = closure("protodune.campaign.batch")
    assert not any(m.startswith(("protodune.publish", "protodune.dag", "protodune.stages")) for m in computed)
    assert "protodune.campaign.state" not in computed
    state = closure("protodune.campaign.state")
    assert not any(m.startswith(("protodune.learning", "protodune.rawio")) for m in state), "status needs no torch"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("run1|test|data|nowhere/*.root", "sample 'run1': nowhere/*.root: no file matches, expected one or more; mend"),
        ("run1|test|data|@none.txt", "sample 'run1': none.txt: found nothing, expected a list of files"),
        ("run1|train|data|{0}/samples.*", "many files, which are for split test; give one file"),
        ("run1|test|data|{0}/samples.*|x.root", "many files, which have no 'partner'; leave it empty"),
    ],
)
def test_rows_of_many_files_that_cannot_be_are_refused(row, message, config, tmp_path):
    assert message in problems(
        sheet(config, tmp_path, row.format(tmp_path), header="sample\tsplit\tkind\tsource\tpartner\n")
    )


def said(action):
    with pytest.raises(SystemExit) as caught:
        action()
    return str(caught.value)


def test_rows_of_many_files_are_for_campaigns_alone(config, tmp_path):
    plan = planned(config, tmp_path, listed(tmp_path, "/a/x.root"), "run2|test|data|z.root")
    assert list(plan._of.samples) == ["run2"]
    assert "sample 'run1' is many files (@" in said(lambda: plan.each(["a"])(None))
    plan = planned(config, tmp_path, "run2|test|data|z.root")
    assert plan.each(["a"]) == ["a"]
    assert plan.files(batch(1, "run2")) == ["z.root"]


def test_what_is_no_campaign_is_said(config, tmp_path):
    other = planned(config, tmp_path, "run1|train|data|a.root|b.root")
    assert "found no test sample that is a file, expected one or more for a campaign" in said(other.tables)
    config["models"]["zoo"]["combine"] = {}
    plan = planned(config, tmp_path, "run1|test|data|a.root")
    plan._config["models"]["zoo"]["combine"] = {"denoise": 1.0}
    assert "'zoo.v1' reads products of earlier steps, which a campaign does not make" in said(plan.tables)


def test_sizes_may_come_as_text_from_a_profile(config, tmp_path):
    plan = planned(config, tmp_path, "run1|test|data|a.root", files_per_job="50", gb_per_job="1.5", keep="true")
    assert plan._wanted == {"files_per_job": 50, "gb_per_job": 1.5, "keep": True, "draw": 3}
    config["campaign"] = {"files_per_job": "many"}
    assert "config.campaign.files_per_job: found 'many'" in problems(config)
