import re
import shutil
import sys

import pytest
from fsspec.registry import _registry

from helpers import DATA
from plugins.small_detector import DETECTOR as SMALL
from protodune.cli import main
from protodune.core.tables import read_table
from protodune.detector.known.protodune_sp import DETECTOR
from protodune.publish.checks import COLUMNS
from protodune.rawio.inspection import inspect
from protodune.stages.produce import check, gather_checks, judge_checks


def test_an_art_file_is_described():
    text = inspect(str(DATA / "art_split1_2022.root"), DETECTOR).text()
    for line in ("flavour +art, split 1", "events +3", "compression +kNone", "ticks +600", "truth +charge", "none found"):
        assert re.search(line, text), line
    assert "APAs 0, 1, 2, 3, 4, 5" in text
    assert re.search(r"raw::RawDigits_tpcrawdecoder_daq_Detsim: \d{5} bytes", text)


def test_compression_is_named():
    assert "kZeroHuffman" in inspect(str(DATA / "art_zs_huffman.root"), DETECTOR, "daqzh").text()


@pytest.mark.parametrize("name", ["art_badpayload", "art_badkey"])
def test_a_damaged_event_is_a_problem(name):
    report = inspect(str(DATA / f"{name}.root"), DETECTOR)
    assert len(report.problems) == 1
    assert "entry 1" in report.problems[0]


def test_a_file_of_another_detector_is_a_problem(flat_file):
    report = inspect(str(DATA / "art_split1_2022.root"), SMALL)
    assert any("expected at most 623 (the small detector)" in problem for problem in report.problems)
    report = inspect(str(flat_file), SMALL)
    assert report.problems == [
        f"{flat_file}: simulated for detector protodune_sp, expected plugins.small_detector; name the right detector"
    ]
    assert main(["inspect", "--detector", "plugins.small_detector", str(flat_file)]) == 1


def test_this_projects_files_are_described(store_file, tmp_path):
    text = inspect(str(store_file), DETECTOR).text()
    assert "protodune-events" in text
    assert "U/adc" in text
    (tmp_path / "a.root").write_bytes(b"")
    assert inspect(str(tmp_path / "a.root"), DETECTOR).problems


def test_the_command_says_whether_there_is_a_problem(capsys):
    assert main(["inspect", str(DATA / "art_detsim_small.root")]) == 0
    assert main(["inspect", "--all", str(DATA / "art_badpayload.root")]) == 1
    assert "problem " in capsys.readouterr().out


def checked(folder, sample, source, **options):
    """The row of one sample, as the stage writes it."""
    arguments = {"sample": sample, "source": source, "output": folder / f"{sample}.txt", "row": folder / f"{sample}.tsv"}
    argv = [str(part) for name, value in (arguments | options).items() for part in (f"--{name.replace('_', '-')}", value)]
    assert check.main(argv) == 0, "a bad file ends no other check"
    [row] = read_table(folder / f"{sample}.tsv")
    assert tuple(row) == COLUMNS
    return row


def test_a_check_says_what_is_in_a_file(tmp_path):
    row = checked(tmp_path, "a", DATA / "art_nosplit.root", partner=DATA / "art_nosplit.root")
    assert (row["events"], row["ticks"], row["truth"], row["problems"], row["in_words"]) == (
        "3",
        "600",
        "charge, partner",
        "0",
        "",
    )
    assert "APAs 0, 1, 2, 3, 4, 5" in row["channels"]
    assert (tmp_path / "a.txt").read_text().count("art, split 0") == 2


def test_a_check_writes_every_problem_down(tmp_path, store_file):
    (tmp_path / "bad.txt").write_text("x\n")
    row = checked(
        tmp_path, "b", DATA / "art_badpayload.root", partner=tmp_path / "off.root", bad_channels=tmp_path / "bad.txt"
    )
    assert row["problems"] == "3"
    for words in ("entry 1", "off.root: found no such file", "bad.txt: line 1: found 'x'"):
        assert words in row["in_words"]
        assert words in (tmp_path / "b.txt").read_text()
    row = checked(tmp_path, "c", store_file)
    assert row["in_words"] == f"{store_file}: holds no raw digits, expected a ROOT file or a DUNEdn dump with digits"


def test_the_table_of_checks_is_shown_and_fails_with_the_problems_in_words(tmp_path, capsys):
    for sample, name in (("good", "art_nosplit"), ("bad", "art_badpayload"), ("worse", "nothing")):
        checked(tmp_path, sample, DATA / f"{name}.root")
    rows = [str(tmp_path / f"{sample}.tsv") for sample in ("good", "bad", "worse")]
    table = str(tmp_path / "tables" / "check.tsv")
    assert gather_checks.main(["--rows", *rows, "--output", table]) == 0
    assert [(r["sample"], r["problems"]) for r in read_table(table)] == [("good", "0"), ("bad", "1"), ("worse", "1")]
    capsys.readouterr()
    assert judge_checks.main(["--table", table]) == 1
    shown, error = capsys.readouterr()
    assert shown == (tmp_path / "tables" / "check.md").read_text() + "\n"
    assert "### 3 samples read from files, 2 with problems" in shown
    assert re.search(r"^\| good +\| .+art_nosplit.root +\| 3 +\| 600 +\| 72 .* \| charge \| none +\|$", shown, re.MULTILINE)
    assert re.search(r"^\* worse: .+nothing.root: found no such file", shown, re.MULTILINE)
    assert error.startswith("check: error: 2 of 3 samples have problems: bad: ")
    assert len(error.splitlines()) == 1
    assert "entry 1" in error
    assert table in error


@pytest.mark.parametrize("names", [[], ["good"]])
def test_the_table_of_checks_without_a_problem(names, tmp_path, capsys):
    for sample in names:
        checked(tmp_path, sample, DATA / "art_nosplit.root")
    rows = [str(tmp_path / f"{sample}.tsv") for sample in names]
    table = str(tmp_path / "check.tsv")
    assert gather_checks.main(["--rows", *rows, "--output", table]) == 0
    assert judge_checks.main(["--table", table]) == 0
    text = "1 sample read from files, none with problems" if names else "No sample is read from a file"
    assert text in capsys.readouterr().out


def test_a_row_of_many_long_problems_stays_short(tmp_path):
    nowhere = tmp_path.joinpath(*["x" * 200] * 9)
    bad = {"partner": DATA / "art_badpayload.root", "bad_channels": nowhere}
    row = checked(tmp_path, "a", DATA / "art_badkey.root", **bad)
    assert row["problems"] == "3"
    assert row["in_words"].endswith("xxx…")
    assert len(row["in_words"]) < 1300
    whole = (DATA / "art_detsim_small.root").read_bytes()
    start, stop = (len(whole) * part // 10 for part in (3, 6))
    (tmp_path / "b.root").write_bytes(whole[:start] + bytes(stop - start) + whole[stop:])
    row = checked(tmp_path, "b", tmp_path / "b.root", **bad)
    assert row["problems"] == "5", "all three events, and the two other files"
    assert row["in_words"].endswith("; and 2 more")


def test_permission_denied_is_said(tmp_path, monkeypatch):
    shutil.copy(DATA / "art_detsim_small.root", tmp_path / "a.root")
    monkeypatch.setattr("os.access", lambda *_: False)  # root may read everything
    assert "permission denied" in inspect(str(tmp_path / "a.root"), DETECTOR).problems[0]


def test_a_missing_package_for_an_address_is_named(monkeypatch):
    monkeypatch.delitem(_registry, "root", raising=False)
    monkeypatch.setitem(sys.modules, "fsspec_xrootd", None)
    problem = inspect("root://127.0.0.1:1//a.root", DETECTOR).problems[0]
    assert "root:// needs a further package" in problem
    assert "install fsspec-xrootd" in problem


def test_a_truncated_store_is_a_problem_and_no_traceback(tmp_path, store_file):
    data = store_file.read_bytes()
    (tmp_path / "a.h5").write_bytes(data[: len(data) // 2])
    [problem] = inspect(str(tmp_path / "a.h5"), DETECTOR).problems
    assert "a damaged HDF5 file" in problem
    assert "copy it again" in problem
