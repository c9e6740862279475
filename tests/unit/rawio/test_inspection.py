import re
import shutil

import pytest

from helpers import DATA, one_line_error, run_module
from plugins.small_detector import DETECTOR as SMALL
from protodune.cli import main
from protodune.detector.known.protodune_sp import DETECTOR
from protodune.rawio.inspection import inspect


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


def test_the_check_stage_stops_at_a_problem(tmp_path):
    arguments = ["--source", DATA / "art_badpayload.root", "--output", tmp_path / "c.txt"]
    assert "entry 1" in one_line_error(run_module("stages.produce.check", *arguments), "check")
    assert not (tmp_path / "c.txt").exists()
    arguments[1] = DATA / "art_nosplit.root"
    assert run_module("stages.produce.check", *arguments).returncode == 0
    assert "art, split 0" in (tmp_path / "c.txt").read_text()


def test_permission_denied_is_said(tmp_path, monkeypatch):
    shutil.copy(DATA / "art_detsim_small.root", tmp_path / "a.root")
    monkeypatch.setattr("os.access", lambda *_: False)  # root may read everything
    assert "permission denied" in inspect(str(tmp_path / "a.root"), DETECTOR).problems[0]


def test_a_missing_package_for_an_address_is_named():
    problem = inspect("root://127.0.0.1:1//a.root", DETECTOR).problems[0]
    assert "root:// needs a further package" in problem
    assert "install fsspec-xrootd" in problem
