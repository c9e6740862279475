"""The evidence by its command lines: measurements, checks without truth, averages, figures, tables."""

import json
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

from helpers import DATA, REPOSITORY, job_environment, one_line_error, run_module, small_sample
from protodune.core.tables import read_table, write_table
from protodune.detector.registry import find_detector
from protodune.events.products import Place, Products, ProductWriter
from protodune.events.store import EventStore
from protodune.measure.crossings import columns as crossing_columns
from protodune.measure.headline import count_parameters
from protodune.publish.figures.spec import FROM_IMAGES, figure_names, find_figure
from protodune.rawio.flat import write_flat
from protodune.simulation.events import simulate_events
from protodune.stages.measure import (
    angles,
    average,
    check_noise,
    curves,
    gather_search,
    headline,
    lost_events,
    match_planes,
    measure,
    reproduction,
    score_injection,
    table,
)
from protodune.stages.produce import convert, infer_classical
from protodune.stages.publish import draw_figure, write_simulation_page
from protodune.tasks.spec import find_task

METHODS = {
    "threshold_regions": {"steps": ["low_pass", "coherent", "threshold_regions", "in_regions"]},
    "raw": {"steps": []},
}
STEP = ("--task", "denoise", "--step", "denoise")
DETAIL_KEYS = "method family channels metric low high"
NOISE_FIGURES = [n for n in figure_names() if find_figure(n).table == "noise"]
DETAIL_FIGURES = [n for n in figure_names() if find_figure(n).table == "details"]
TABLE_FIGURES = [n for n in figure_names() if find_figure(n).table not in FROM_IMAGES]


def place(method, family, store, sample="s"):
    return [*STEP, "--method", method, "--family", family, "--sample", sample, "--events", str(store)]


def arguments(output, family, method, folder, store):
    files = ["--products", str(folder / f"{method}.{family}.h5"), "--output", str(folder / output)]
    return [*place(method, family, store), *files]


def infer(method, family, store, output):
    argv = ["--settings", json.dumps(METHODS[method]), *STEP, "--method", method, "--family", family]
    return infer_classical.main([*argv, "--events", str(store), "--output", str(output)])


@pytest.fixture(scope="module")
def made(store_file, tmp_path_factory):
    """Products, measurements and checks of two methods on both plane families, and their averages."""
    folder = tmp_path_factory.mktemp("evidence")
    for family in ("collection", "induction"):
        for method in METHODS:
            assert infer(method, family, store_file, folder / f"{method}.{family}.h5") == 0
            for level, name in (("details", "m"), ("scores", "s")):
                argv = arguments(f"{name}.{method}.{family}.tsv", family, method, folder, store_file)
                assert measure.main([*argv, "--level", level]) == 0
            assert check_noise.main(arguments(f"n.{method}.{family}.tsv", family, method, folder, store_file)) == 0
        averaged(folder, f"m.{family}.tsv", [f"m.{m}.{family}.tsv" for m in METHODS], DETAIL_KEYS)
        noise = [f"n.{m}.{family}.tsv" for m in METHODS]
        values = ("--values", "raw", "denoised", "removed")
        averaged(folder, f"n.{family}.tsv", noise, "method family plane quantity x y", *values)
    return folder


def averaged(folder, target, tables, keys, *more):
    argv = ["--tables", *(str(folder / t) for t in tables), "--keys", *keys.split(), *more]
    assert average.main([*argv, "--output", str(folder / target)]) == 0


def drawn(figure, source, output, *more):
    return draw_figure.main([figure, "--tables", str(source), "--output", str(output), *more])


def test_a_single_event_has_no_error(made):
    rows = read_table(made / "m.collection.tsv")
    assert {r["events"] for r in rows} <= {"0", "1"}
    assert {r["error"] for r in rows} == {"nan"}


def test_the_raw_image_is_its_own_noise(made):
    rows = [r for r in read_table(made / "n.collection.tsv") if r["method"] == "raw" and r["quantity"] == "noise_rms"]
    assert len(rows) > 900
    assert all(r["raw"] == r["denoised"] and float(r["removed"]) == 0 for r in rows)


@pytest.mark.parametrize("family", ["collection", "induction"])
@pytest.mark.parametrize("figure", [*DETAIL_FIGURES, *NOISE_FIGURES])
def test_figures_are_the_same_bytes_every_time(made, tmp_path, figure, family):
    source = made / f"{'n' if figure in NOISE_FIGURES else 'm'}.{family}.tsv"
    for name in ("a", "b"):
        assert drawn(figure, source, tmp_path / f"{name}.png", "--of", family, "--networks", "raw") == 0
    for suffix in ("png", "svg", "tsv"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_methods_are_shown_in_the_order_asked_for(made, tmp_path):
    assert drawn("residuals", made / "m.collection.tsv", tmp_path / "f.png", "--methods", "raw", "threshold_regions") == 0
    methods = [r["method"] for r in read_table(tmp_path / "f.tsv")]
    assert list(dict.fromkeys(methods)) == ["raw", "threshold_regions"]


@pytest.mark.parametrize("figure", [f for f in TABLE_FIGURES if f not in ("scaling", "speed")])
def test_an_empty_table_gives_a_figure_that_says_so(tmp_path, figure):
    write_table(tmp_path / "t.tsv", [], crossing_columns(find_detector("protodune_sp")))
    assert drawn(figure, tmp_path / "t.tsv", tmp_path / "f.png") == 0
    assert (tmp_path / "f.png").stat().st_size > 1000
    assert read_table(tmp_path / "f.tsv") == []


@pytest.mark.parametrize("figure", ["scaling", "speed"])
def test_a_study_of_nothing_says_what_to_configure(tmp_path, figure, capsys):
    assert draw_figure.main([figure, "--tables", "--output", str(tmp_path / "f.png")]) == 1
    assert f"{figure}.networks" in capsys.readouterr().err


def test_figures_of_images_are_drawn_by_another_stage(tmp_path, capsys):
    assert draw_figure.main(["display", "--tables", "--output", str(tmp_path / "f.png")]) == 1
    assert "use 'draw_event'" in capsys.readouterr().err
    assert draw_figure.main(["residual", "--tables", "--output", str(tmp_path / "f.png")]) == 1
    assert "did you mean 'residuals'" in capsys.readouterr().err


def test_prolonged_tracks_by_angle(made, tmp_path):
    rows = read_table(made / "s.threshold_regions.induction.tsv")
    for name in ("u75", "u80"):
        write_table(tmp_path / f"{name}.tsv", [{**r, "sample": name} for r in rows], list(rows[0]))
    argv = ["--scores", str(tmp_path / "u80.tsv"), str(tmp_path / "u75.tsv"), "--output", str(tmp_path / "angles.tsv")]
    assert angles.main([*argv, "--angles", json.dumps({"u75": ["U", 75.0], "u80": ["U", 80.0]})]) == 0
    found = read_table(tmp_path / "angles.tsv")
    assert list(dict.fromkeys((r["plane"], r["theta_deg"]) for r in found)) == [("U", "75"), ("U", "80")]
    one = next(float(r["value"]) for r in rows if r["plane"] == "U" and r["metric"] == "pixel_efficiency")
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
           if r["family"] == "collection" and r["metric"] == "dunedn_mse_by_cut"}  # fmt: skip
    assert cut["raw", "3.5"] < cut["raw", "0"]
    assert (tmp_path / "r.tex").read_text().count(r"\begin{table}") == 4


def test_the_headline_table(made, tmp_path):
    scores = [str(made / f"s.{m}.{f}.tsv") for f in ("collection", "induction") for m in METHODS]
    assert table.main(["--scores", *scores, "--output", str(tmp_path / "methods.tsv")]) == 0
    argv = ["--measurements", *scores, "--areas", str(tmp_path / "a.tsv"), "--points", str(tmp_path / "p.tsv")]
    assert curves.main(argv) == 0
    (tmp_path / "b.tsv").write_text("s\th:m:s\tmax_rss\n3.5\t0:00:03\t-\n")
    of, made_by = {"step": "denoise", "family": "collection", "method": "raw"}, str(made / "raw.collection.h5")
    runs = [{**of, "benchmark": str(tmp_path / "b.tsv"), "products": made_by}]
    weights = [{**of, "weights": str(REPOSITORY / "zoo" / "unet.collection.safetensors")}]
    argv = ["--table", str(tmp_path / "methods.tsv"), "--areas", str(tmp_path / "a.tsv"), "--runs", json.dumps(runs)]
    argv += ["--weights", json.dumps(weights), "--timing", str(tmp_path / "timing.tsv")]
    assert headline.main([*argv, "--output", str(tmp_path / "headline.tsv")]) == 0
    rows = {(r["family"], r["method"]): r for r in read_table(tmp_path / "headline.tsv")}
    assert 0.5 < float(rows["collection", "threshold_regions"]["auc"]) < 1
    assert rows["collection", "raw"]["auc"] == "nan"
    assert rows["collection", "raw"]["parameters"] == "355932"
    assert "seconds" not in rows["collection", "raw"], "times are apart, since they differ from run to run"
    [time] = read_table(tmp_path / "timing.tsv")
    with Products(made_by) as found:
        took = float(found.seconds[0])
    assert 0 < took < 100
    assert float(time["seconds_per_image"]) == pytest.approx(took, rel=1e-5)
    assert (time["images"], time["job_seconds"]) == ("1", "3.5")
    assert f"| {took:.4g} |" in (tmp_path / "headline.md").read_text()
    for figure, tables in (("metrics", ["methods.tsv"]), ("regions", ["p.tsv", "a.tsv"])):
        paths = [str(tmp_path / t) for t in tables]
        assert draw_figure.main([figure, "--tables", *paths, "--output", str(tmp_path / f"{figure}.png")]) == 0
    assert {r["metric"] for r in read_table(tmp_path / "metrics.tsv")} == {"mse"}
    assert "threshold_regions, area 0." in (tmp_path / "regions.svg").read_text()


def test_parameters_are_counted_without_statistics_of_norms():
    assert count_parameters(str(REPOSITORY / "zoo" / "unet.collection.safetensors")) == 355_932


def test_the_scores_of_a_method_on_both_subsets_of_channels(made):
    rows = [r for r in read_table(made / "s.threshold_regions.collection.tsv") if r["low"] == "nan"]
    usual = {"mse", "psnr", "ssim", "imae", "signal_bias", "charge_bias", "charge_resolution"}
    regions = {"pixel_efficiency", "pixel_purity", "region_efficiency", "region_purity", "region_auc"}
    for channels in ("all", "drift"):
        assert {r["metric"] for r in rows if r["channels"] == channels} == usual | regions


def test_two_detectors_in_one_table_are_refused(made, tmp_path):
    rows = read_table(made / "s.raw.collection.tsv")
    write_table(tmp_path / "o.tsv", [{**r, "detector": "plugins.small_detector"} for r in rows], list(rows[0]))
    argv = ["--scores", str(made / "s.raw.collection.tsv"), str(tmp_path / "o.tsv"), "--output", str(tmp_path / "t.tsv")]
    message = one_line_error(run_module("stages.measure.table", *argv), "table")
    assert "detectors protodune_sp and plugins.small_detector, expected those of one" in message
    assert not (tmp_path / "t.tsv").exists()
    assert table.main([*argv, "--mixed-detectors"]) == 0
    assert {r["detector"] for r in read_table(tmp_path / "t.tsv")} == {"protodune_sp", "plugins.small_detector"}
    assert "ProtoDUNE-SP, denoise" in (tmp_path / "t.md").read_text()


def test_lost_events_and_search_trials_are_gathered(store_file, tmp_path):
    assert lost_events.main(["--events", str(store_file), "--output", str(tmp_path / "lost.tsv")]) == 0
    assert read_table(tmp_path / "lost.tsv") == []
    assert "No event was left out" in (tmp_path / "lost.html").read_text()
    trial = {"number": 0, "state": "complete", "val_loss": 2.0, "epochs": 1, "seconds": 1.0}
    for number, loss in enumerate((2.0, 0.5, 1.0)):
        parameters = json.dumps({"learning_rate": 10.0**-number, "loss": "huber"})
        row = {**trial, "number": number, "val_loss": loss, "parameters": parameters}
        write_table(tmp_path / f"{number}.tsv", [row], list(row))
    trials = [str(tmp_path / f"{number}.tsv") for number in range(3)]
    assert gather_search.main(["--trials", *trials, "--output", str(tmp_path / "search.tsv")]) == 0
    assert [r["number"] for r in read_table(tmp_path / "search.tsv")] == ["1", "2", "0"]
    assert drawn("search", tmp_path / "search.tsv", tmp_path / "f.png") == 0
    assert "3 trials, 0 of them ended early" in (tmp_path / "f.svg").read_text()


def test_the_page_of_the_simulation(tmp_path):
    points = [{"figure": "attenuation", "series": "a", "x": x, "found": 2.0 - x, "expected": 2.0 - x} for x in (0.0, 1.0)]
    checks = [{"number": "1", "name": "noise <1>", "found": "1", "low": "0", "high": "2", "unit": "ADC", "passed": "1"}]
    write_table(tmp_path / "points.tsv", points, list(points[0]))
    write_table(tmp_path / "checks.tsv", checks, list(checks[0]))
    assert drawn("simulation", tmp_path / "points.tsv", tmp_path / "f.png") == 0
    argv = ["--checks", str(tmp_path / "checks.tsv"), "--picture", str(tmp_path / "f.png")]
    assert write_simulation_page.main([*argv, "--output", str(tmp_path / "i.html")]) == 0
    text = (tmp_path / "i.html").read_text()
    assert "1 of 1 numbers are as expected" in text
    assert "noise &lt;1&gt;" in text


def test_figures_are_redrawn_without_torch(made, tmp_path):
    """Where torch cannot be imported, as on a laptop that only has the tables."""
    blocker = tmp_path / "torch.py"
    blocker.write_text("raise ImportError('no torch here')\n")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from protodune.stages.publish import draw_event, draw_figure, make_page, write_paper, write_simulation_page\n"
        "from protodune.stages.measure import headline, measure, table\n"
        f"sys.exit(draw_figure.main(['noise', '--tables', {str(made / 'n.collection.tsv')!r}, '--output', 'f.png']))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=job_environment(), capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "f.svg").is_file()


def test_products_of_other_events_are_refused(made, store_file, tmp_path):
    write_flat(tmp_path / "o.root", simulate_events(small_sample(events=2)), 512, {})
    convert.run(convert.ConvertSettings("o", "simulation"), str(tmp_path / "o.root"), None, str(tmp_path / "o.h5"))
    argv = [*place("raw", "collection", tmp_path / "o.h5", "o"), "--products", str(made / "raw.collection.h5")]
    argv += ["--output", str(tmp_path / "x.tsv")]
    for stage, more in (("measure", ("--level", "scores")), ("check_noise", ())):
        message = one_line_error(run_module(f"stages.measure.{stage}", *argv, *more), stage)
        assert "made from other events" in message
    assert not (tmp_path / "x.tsv").exists()


def test_one_point_in_three_planes(made, store_file, tmp_path):
    """The raw image as denoised: no ratio changes."""
    for method in METHODS:
        files = ["--products", *(str(made / f"{method}.{family}.h5") for family in ("collection", "induction"))]
        argv = [*STEP, "--method", method, "--sample", "s", "--events", str(store_file), *files]
        assert match_planes.main([*argv, "--output", str(tmp_path / f"{method}.tsv")]) == 0
    rows = read_table(tmp_path / "raw.tsv")
    assert len(rows) >= 5
    for plane in "UVX":  # but for the rounding to eighths of an ADC count
        raw, denoised = ([float(r[f"{image}_{plane}"]) for r in rows] for image in ("raw", "denoised"))
        assert denoised == pytest.approx(raw, rel=0.01, abs=100)
    assert all(0 < float(r["raw_X"]) < 1e6 for r in rows)
    assert drawn("crossings", tmp_path / "raw.tsv", tmp_path / "f.png", "--networks", "raw") == 0
    assert "raw: 1.00" in (tmp_path / "f.svg").read_text()


def test_missing_products_say_which_stage_makes_them(store_file, tmp_path):
    argv = [*place("raw", "collection", store_file), "--level", "scores"]
    argv += ["--products", str(tmp_path / "none.h5"), "--output", str(tmp_path / "x.tsv")]
    assert "run the stage 'infer'" in one_line_error(run_module("stages.measure.measure", *argv), "measure")


def test_products_of_the_other_family_are_refused(made, store_file, tmp_path, capsys):
    argv = [*place("raw", "induction", store_file), "--level", "scores"]
    argv += ["--products", str(made / "raw.collection.h5"), "--output", str(tmp_path / "x.tsv")]
    assert measure.main(argv) == 1
    assert "made of collection planes, expected induction planes" in capsys.readouterr().err


def test_a_sample_without_truth_is_refused(made, tmp_path):
    settings = convert.ConvertSettings("run", "data")
    convert.run(settings, str(DATA / "art_decoder_data.root"), None, str(tmp_path / "run.h5"))
    assert infer("raw", "collection", tmp_path / "run.h5", tmp_path / "raw.collection.h5") == 0
    argv = [*arguments("m.tsv", "collection", "raw", tmp_path, tmp_path / "run.h5"), "--level", "details"]
    assert "no noise-free waveforms" in one_line_error(run_module("stages.measure.measure", *argv), "measure")
    assert not (tmp_path / "m.tsv").exists()
    assert check_noise.main(arguments("n.tsv", "collection", "raw", tmp_path, tmp_path / "run.h5")) == 0


def test_an_event_without_signal_is_measured(tmp_path):
    """No tracks: nothing to be efficient about, and no crash."""
    simulation = {"cosmics_per_unit": 0.0}
    write_flat(tmp_path / "e.root", simulate_events(small_sample(simulation=simulation)), 512, {})
    convert.run(convert.ConvertSettings("e", "simulation"), str(tmp_path / "e.root"), None, str(tmp_path / "e.h5"))
    store, method = tmp_path / "e.h5", "threshold_regions"
    assert infer(method, "collection", store, tmp_path / f"{method}.collection.h5") == 0
    for level in ("details", "scores"):
        assert measure.main([*arguments(f"{level}.tsv", "collection", method, tmp_path, store), "--level", level]) == 0
    assert check_noise.main(arguments("n.tsv", "collection", method, tmp_path, store)) == 0
    averaged(tmp_path, "ma.tsv", ["details.tsv"], DETAIL_KEYS)
    for figure in DETAIL_FIGURES:
        assert drawn(figure, tmp_path / "ma.tsv", tmp_path / f"{figure}.png") == 0
    shown = {r["metric"]: r["value"] for r in read_table(tmp_path / "ma.tsv")}
    assert shown["region_auc_by_waveform"] == "nan"


def test_a_plane_without_good_channels_is_left_out(tmp_path, store_file):
    with EventStore(store_file) as store:
        outputs, plane = find_task("denoise").outputs, store.plane("X", 0)
        with ProductWriter.open(tmp_path / "raw.collection.h5", store, "collection", outputs, {}) as writer:
            writer.write(Place(0, plane), {"denoised": np.zeros((plane.n_channels, store.ticks), np.float32)})
    bad = tmp_path / "bad.h5"
    shutil.copy(store_file, bad)
    with h5py.File(bad, "r+") as file:
        file["X/status"][:] = 1
    for stage, name, more in ((measure, "m.tsv", ["--level", "details"]), (check_noise, "n.tsv", [])):
        assert stage.main([*arguments(name, "collection", "raw", tmp_path, bad), *more]) == 0
        assert read_table(tmp_path / name) == []


def test_injection_scores(made, store_file, tmp_path):
    """Scored against itself: nothing was recovered of what is there twice."""
    argv = [*place("raw", "collection", store_file), "--before", str(made / "raw.collection.h5")]
    argv += ["--after", str(made / "raw.collection.h5")]
    assert score_injection.main([*argv, "--output", str(tmp_path / "i.tsv")]) == 0
    rows = [r for r in read_table(tmp_path / "i.tsv") if r["metric"] == "charge_bias_by_charge" and r["value"] != "nan"]
    assert rows
    assert {float(r["value"]) for r in rows} == {-1.0}
    averaged(tmp_path, "a.tsv", ["i.tsv"], DETAIL_KEYS)
    assert drawn("injection", tmp_path / "a.tsv", tmp_path / "f.png") == 0
