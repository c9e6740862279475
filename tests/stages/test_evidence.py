"""The evidence by its command lines: measurements, checks without truth, averages, figures, tables, the page."""

import json
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

from helpers import DATA, REPOSITORY, job_environment, one_line_error, run_module, small_sample
from protodune.events.predictions import Predictions, PredictionWriter
from protodune.events.products import PlaneProduct
from protodune.rawio.flat import write_flat
from protodune.simulation.events import simulate_events
from protodune.stages.measure.measure import angles, average, check_noise, headline, match_planes, measure, reproduction, score, score_injection, table
from protodune.stages.produce import convert, infer_classical
from protodune.stages.publish import draw_evidence
from protodune.events.store import EventStore
from protodune.core.tables import read_table, write_table

METHODS = {
    "threshold_roi": {"steps": ["low_pass", "coherent", "threshold_roi", "in_regions"]},
    "raw": {},
}


def arguments(output, plane, method, folder, store):
    return [
        "--plane", plane, "--method", method, "--sample", "s", "--events", str(store),
        "--predictions", str(folder / f"{method}.{plane}.h5"), "--output", str(folder / output),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def made(store_file, tmp_path_factory):
    """Predictions, measurements and checks of two methods on both plane families, and their averages."""
    folder = tmp_path_factory.mktemp("evidence")
    for plane in ("collection", "induction"):
        for method, settings in METHODS.items():
            argv = ["--settings", json.dumps(settings), "--plane", plane, "--events", str(store_file)]
            assert infer_classical.main([*argv, "--output", str(folder / f"{method}.{plane}.h5")]) == 0
            assert measure.main(arguments(f"m.{method}.{plane}.tsv", plane, method, folder, store_file)) == 0
            assert check_noise.main(arguments(f"n.{method}.{plane}.tsv", plane, method, folder, store_file)) == 0
            scored = arguments(f"s.{method}.{plane}.tsv", plane, method, folder, store_file)
            assert score.main([*scored, "--curves", str(folder / f"c.{method}.{plane}.tsv")]) == 0
        averaged(folder, f"m.{plane}.tsv", [f"m.{m}.{plane}.tsv" for m in METHODS], "plane method quantity low high")
        keys = "plane method view quantity x y"
        noise = [f"n.{m}.{plane}.tsv" for m in METHODS]
        averaged(folder, f"n.{plane}.tsv", noise, keys, "--values", "raw", "denoised", "removed")
    return folder


def averaged(folder, target, tables, keys, *more):
    argv = ["--tables", *(str(folder / t) for t in tables), "--keys", *keys.split(), *more]
    assert average.main([*argv, "--output", str(folder / target)]) == 0


def drawn(figure, source, output, *more):
    return draw_evidence.main([figure, "--tables", str(source), "--output", str(output), *more])


def test_a_single_event_has_no_error(made):
    rows = read_table(made / "m.collection.tsv")
    assert {r["events"] for r in rows} <= {"0", "1"}
    assert {r["value_error"] for r in rows} == {"nan"}


def test_the_raw_image_is_its_own_noise(made):
    rows = [r for r in read_table(made / "n.collection.tsv") if r["method"] == "raw" and r["quantity"] == "noise_rms"]
    assert len(rows) > 900
    assert all(r["raw"] == r["denoised"] and float(r["removed"]) == 0 for r in rows)


@pytest.mark.parametrize("plane", ["collection", "induction"])
@pytest.mark.parametrize("figure", ["residuals", "amplitude", "charge", "ionisation", "labels", "noise", "boards", "checks"])
def test_figures_are_the_same_bytes_every_time(made, tmp_path, figure, plane):
    source = made / f"{'n' if figure in ('noise', 'boards', 'checks') else 'm'}.{plane}.tsv"
    for name in ("a", "b"):
        assert drawn(figure, source, tmp_path / f"{name}.png", "--of", plane, "--networks", "raw") == 0
    for suffix in ("png", "svg", "tsv"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_methods_are_shown_in_the_order_asked_for(made, tmp_path):
    assert drawn("residuals", made / "m.collection.tsv", tmp_path / "f.png", "--methods", "raw", "threshold_roi") == 0
    methods = [r["method"] for r in read_table(tmp_path / "f.tsv")]
    assert list(dict.fromkeys(methods)) == ["raw", "threshold_roi"]


@pytest.mark.parametrize("figure", list(draw_evidence.FIGURES))
def test_an_empty_table_gives_a_figure_that_says_so(tmp_path, figure):
    columns = ["plane", "method", "view", "theta_deg", "metric", "quantity", "low", "high", "x", "y", "raw", "denoised",
               "removed", "value", "value_error", "events", *match_planes.CHARGES]  # fmt: skip
    write_table(tmp_path / "t.tsv", [], columns)
    assert drawn(figure, tmp_path / "t.tsv", tmp_path / "f.png") == 0
    assert (tmp_path / "f.png").stat().st_size > 1000
    assert read_table(tmp_path / "f.tsv") == []


def test_prolonged_tracks_by_angle(made, tmp_path):
    rows = read_table(made / "s.threshold_roi.induction.tsv")
    for name in ("u75", "u80"):
        write_table(tmp_path / f"{name}.tsv", [{**r, "sample": name} for r in rows], list(rows[0]))
    argv = ["--scores", str(tmp_path / "u80.tsv"), str(tmp_path / "u75.tsv"), "--output", str(tmp_path / "angles.tsv")]
    assert angles.main([*argv, "--angles", json.dumps({"u75": ["U", 75.0], "u80": ["U", 80.0]})]) == 0
    found = read_table(tmp_path / "angles.tsv")
    assert list(dict.fromkeys((r["view"], r["theta_deg"]) for r in found)) == [("U", "75"), ("U", "80")]
    one = next(float(r["value"]) for r in rows if r["view"] == "U" and r["metric"] == "pixel_efficiency")
    assert {float(r["value"]) for r in found if r["metric"] == "pixel_efficiency"} == {one}
    for figure in ("angles", "angles_charge"):
        assert drawn(figure, tmp_path / "angles.tsv", tmp_path / f"{figure}.png") == 0


def test_the_reproduction_table(made, tmp_path):
    argv = ["--tables", *(str(made / f"m.{p}.tsv") for p in ("collection", "induction"))]
    assert reproduction.main([*argv, "--output", str(tmp_path / "r.tsv")]) == 0
    text = (tmp_path / "r.md").read_text()
    assert "statSSIM (DUNEdn)" in text
    rows = read_table(tmp_path / "r.tsv")
    cut = {(r["method"], r["cut_adc"]): float(r["value"]) for r in rows
           if r["plane"] == "collection" and r["quantity"] == "dunedn_mse_by_cut"}  # fmt: skip
    assert cut["raw", "3.5"] < cut["raw", "0"]
    assert (tmp_path / "r.tex").read_text().count(r"\begin{table}") == 4


def test_the_headline_table(made, tmp_path):
    scores = [str(made / f"s.{m}.{p}.tsv") for p in ("collection", "induction") for m in METHODS]
    assert table.main(["--scores", *scores, "--output", str(tmp_path / "methods.tsv")]) == 0
    area = {"plane": "collection", "method": "threshold_roi", "auc": 0.9, "error": 0.01, "events": 2}
    write_table(tmp_path / "a.tsv", [area], list(area))
    (tmp_path / "b.tsv").write_text("s\th:m:s\tmax_rss\n3.5\t0:00:03\t-\n")
    made_by = str(made / "raw.collection.h5")
    runs = [{"plane": "collection", "method": "raw", "benchmark": str(tmp_path / "b.tsv"), "predictions": made_by}]
    argv = ["--table", str(tmp_path / "methods.tsv"), "--areas", str(tmp_path / "a.tsv"), "--runs", json.dumps(runs)]
    argv += ["--timing", str(tmp_path / "timing.tsv"), "--output", str(tmp_path / "headline.tsv")]
    assert headline.main(argv) == 0
    rows = {(r["plane"], r["method"]): r for r in read_table(tmp_path / "headline.tsv")}
    assert rows["collection", "threshold_roi"]["auc"] == "0.9"
    assert rows["collection", "raw"]["auc"] == "nan"
    assert "seconds" not in rows["collection", "raw"], "times are apart, since they differ from run to run"
    [time] = read_table(tmp_path / "timing.tsv")
    with Predictions(made_by) as found:
        took = float(found.seconds[0])
    assert 0 < took < 100
    assert float(time["seconds_per_image"]) == pytest.approx(took, rel=1e-5)
    assert (time["images"], time["job_seconds"]) == ("1", "3.5")
    assert f"| {took:.4g} |" in (tmp_path / "headline.md").read_text()


def test_parameters_are_counted_without_statistics_of_norms():
    assert headline.count_parameters(str(REPOSITORY / "zoo" / "unet.collection.safetensors")) == 355_932


def test_figures_are_redrawn_without_torch(made, tmp_path):
    """Where torch cannot be imported, as on a laptop that only has the tables."""
    blocker = tmp_path / "torch.py"
    blocker.write_text("raise ImportError('no torch here')\n")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from protodune.stages import draw, draw_evidence, draw_event, roi_curves, write_paper\n"
        f"sys.exit(draw_evidence.main(['noise', '--tables', {str(made / 'n.collection.tsv')!r}, '--output', 'f.png']))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=job_environment(), capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "f.svg").is_file()


def test_predictions_of_other_events_are_refused(made, store_file, tmp_path):
    write_flat(tmp_path / "o.root", simulate_events(small_sample(events=2)), 512, {})
    convert.run(convert.ConvertSettings("o", "simulation"), str(tmp_path / "o.root"), None, str(tmp_path / "o.h5"))
    argv = ["--plane", "collection", "--method", "raw", "--sample", "o", "--events", str(tmp_path / "o.h5")]
    argv += ["--predictions", str(made / "raw.collection.h5"), "--output", str(tmp_path / "x.tsv")]
    for stage in ("measure", "check_noise"):
        message = one_line_error(run_module(f"stages.{stage}", *argv), stage)
        assert "made from other events" in message
    assert not (tmp_path / "x.tsv").exists()


def test_one_point_in_three_planes(made, store_file, tmp_path):
    """The raw image as denoised: no ratio changes."""
    argv = ["--sample", "s", "--events", str(store_file)]
    for method in METHODS:
        files = [f"--{plane}={made / f'{method}.{plane}.h5'}" for plane in ("collection", "induction")]
        assert match_planes.main([*argv, "--method", method, *files, "--output", str(tmp_path / f"{method}.tsv")]) == 0
    rows = read_table(tmp_path / "raw.tsv")
    assert len(rows) >= 5
    for plane in "uvx":  # but for the rounding to eighths of an ADC count
        raw, denoised = ([float(r[f"{image}_{plane}"]) for r in rows] for image in ("raw", "denoised"))
        assert denoised == pytest.approx(raw, rel=0.01, abs=100)
    assert all(0 < float(r["raw_x"]) < 1e6 for r in rows)
    assert drawn("crossings", tmp_path / "raw.tsv", tmp_path / "f.png", "--networks", "raw") == 0
    assert "raw: 1.00" in (tmp_path / "f.svg").read_text()


def test_missing_predictions_say_which_stage_makes_them(store_file, tmp_path):
    argv = ["--plane", "collection", "--method", "raw", "--sample", "s", "--events", str(store_file)]
    argv += ["--predictions", str(tmp_path / "none.h5"), "--output", str(tmp_path / "x.tsv")]
    assert "run the stage 'infer'" in one_line_error(run_module("stages.measure.measure", *argv), "measure")


def test_a_sample_without_truth_is_refused(made, tmp_path):
    settings = convert.ConvertSettings("run", "data")
    convert.run(settings, str(DATA / "art_decoder_data.root"), None, str(tmp_path / "run.h5"))
    argv = ["--settings", "{}", "--plane", "collection", "--events", str(tmp_path / "run.h5")]
    assert infer_classical.main([*argv, "--output", str(tmp_path / "raw.collection.h5")]) == 0
    argv = arguments("m.tsv", "collection", "raw", tmp_path, tmp_path / "run.h5")
    assert "no noise-free waveforms" in one_line_error(run_module("stages.measure.measure", *argv), "measure")
    assert not (tmp_path / "m.tsv").exists()
    assert check_noise.main(arguments("n.tsv", "collection", "raw", tmp_path, tmp_path / "run.h5")) == 0


def test_an_event_without_signal_is_measured(tmp_path):
    """No tracks: nothing to be efficient about, and no crash."""
    simulation = {"cosmics_per_apa": 0.0}
    write_flat(tmp_path / "e.root", simulate_events(small_sample(simulation=simulation)), 512, {})
    convert.run(convert.ConvertSettings("e", "simulation"), str(tmp_path / "e.root"), None, str(tmp_path / "e.h5"))
    argv = ["--settings", json.dumps(METHODS["threshold_roi"]), "--plane", "collection", "--events", str(tmp_path / "e.h5")]
    assert infer_classical.main([*argv, "--output", str(tmp_path / "threshold_roi.collection.h5")]) == 0
    store = tmp_path / "e.h5"
    assert measure.main(arguments("m.tsv", "collection", "threshold_roi", tmp_path, store)) == 0
    assert check_noise.main(arguments("n.tsv", "collection", "threshold_roi", tmp_path, store)) == 0
    averaged(tmp_path, "ma.tsv", ["m.tsv"], "plane method quantity low high")
    for figure in ("residuals", "amplitude", "charge", "labels"):
        assert drawn(figure, tmp_path / "ma.tsv", tmp_path / f"{figure}.png") == 0
    shown = {r["quantity"]: r["value"] for r in read_table(tmp_path / "ma.tsv")}
    assert shown["roi_auc_by_waveform"] == "nan"


def test_a_plane_without_good_channels_is_left_out(tmp_path, store_file):
    with EventStore(store_file) as store:
        about = {"settings": {}, "versions": {}}
        with PredictionWriter.open(tmp_path / "raw.collection.h5", store, ("X",), about) as writer:
            writer.write("X", 0, PlaneProduct(np.zeros((960, 512), np.float32)))
    bad = tmp_path / "bad.h5"
    shutil.copy(store_file, bad)
    with h5py.File(bad, "r+") as file:
        file["X/status"][:] = 1
    for stage, name in ((measure, "m.tsv"), (check_noise, "n.tsv")):
        assert stage.main(arguments(name, "collection", "raw", tmp_path, bad)) == 0
        assert read_table(tmp_path / name) == []


def test_injection_scores(made, store_file, tmp_path):
    """Scored against itself: nothing was recovered of what is there twice."""
    argv = ["--plane", "collection", "--method", "raw", "--sample", "s", "--events", str(store_file)]
    argv += ["--before", str(made / "raw.collection.h5"), "--after", str(made / "raw.collection.h5")]
    assert score_injection.main([*argv, "--output", str(tmp_path / "i.tsv")]) == 0
    rows = [r for r in read_table(tmp_path / "i.tsv") if r["quantity"] == "charge_bias_by_charge" and r["value"] != "nan"]
    assert rows
    assert {float(r["value"]) for r in rows} == {-1.0}
    averaged(tmp_path, "a.tsv", ["i.tsv"], "plane method quantity low high")
    assert drawn("injection", tmp_path / "a.tsv", tmp_path / "f.png") == 0
