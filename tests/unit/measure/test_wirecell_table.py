"""The table beside Wire-Cell: of scores as the stage writes them, with recorded numbers only where no frames were read."""

import importlib.util

import pytest

from helpers import REPOSITORY
from protodune.core.tables import write_table
from protodune.measure.rows import COLUMNS


@pytest.fixture(scope="module")
def wirecell():
    spec = importlib.util.spec_from_file_location("wirecell", REPOSITORY / "benchmarks" / "wirecell.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_scores(results, method, sample, plane, metric, values, level="scores", **more):
    folder = results / "measurements" / level / "denoise" / method / "induction"
    empty = dict.fromkeys(COLUMNS, "")
    rows = [{**empty, "plane": plane, "channels": "all", "metric": metric, "value": v, **more} for v in values]
    rows.append({**empty, "plane": plane, "channels": "drift", "metric": metric, "value": 99.0})
    write_table(folder / f"{sample}.tsv", rows, list(COLUMNS))


def test_means_by_sample_plane_and_method(wirecell, tmp_path, capsys):
    write_scores(tmp_path, "mine", "zoo_cosmic", "U", "electron_bias", [-0.02, 0.01, float("nan")])
    write_scores(tmp_path, "mine", "angle_u80", "U", "electron_bias", [-0.05])
    write_scores(tmp_path, "other", "angle_u80", "V", "electron_bias", [-0.5])
    assert wirecell.main([str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "| cosmics | U | mine | 2 | -0.5 % |" in said
    assert "| cosmics | U | Wire-Cell 0.35.0-1069-g2ddac97f (recorded) |  | -1.8 % | 14.6 % | 0.970 | 0.580 |" in said
    assert "| U 80 deg | U | mine | 1 | -5.0 % |" in said
    assert "other" not in said, "of prolonged tracks the plane that they are for"


def test_frames_take_the_place_of_what_is_recorded(wirecell, tmp_path, capsys):
    for method, value in (("wct", -0.03), ("another", 0.0)):
        write_scores(tmp_path, method, "zoo_cosmic", "U", "electron_bias", [value])
    assert wirecell.main([str(tmp_path), "--wirecell", "wct"]) == 0
    said = capsys.readouterr().out
    assert "recorded" not in said
    assert said.index("| wct |") < said.index("| another |")
    assert wirecell.main([str(tmp_path), "--wirecell", "wtc"]) == 1
    assert "has no method 'wtc', expected one of another, wct" in capsys.readouterr().err


def test_charge_by_angle_has_a_table_of_its_own(wirecell, tmp_path, capsys):
    write_scores(tmp_path, "mine", "zoo_cosmic", "U", "electron_bias", [0.01])
    more = {"level": "details", "low": 77.5, "high": 82.5}
    write_scores(tmp_path, "mine", "scan_u", "U", "electron_bias_by_angle", [-0.04, -0.02], **more)
    write_scores(tmp_path, "other", "scan_u", "V", "electron_bias_by_angle", [-0.5], **more)
    assert wirecell.main([str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "| plane | method | 77.5–82.5° |" in said
    assert "| U | mine | -3.0 |" in said
    assert "other" not in said


def test_results_without_scores_are_refused(wirecell, tmp_path, capsys):
    assert wirecell.main([str(tmp_path)]) == 1
    assert "has no measurements/scores, expected results of `snakemake validate`" in capsys.readouterr().err
