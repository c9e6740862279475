"""From products of a tiny network to the table and the figures, by the command lines."""

import pytest

from protodune.core.tables import read_table, write_table
from protodune.publish.figures.known.training import draw_training
from protodune.publish.figures.spec import distinct_methods, find_figure
from protodune.stages.measure import curves, measure, table
from protodune.stages.publish import draw_event, draw_figure

METHODS = ("unet", "coherent")


@pytest.fixture(scope="module")
def scored(trained, store_file, tmp_path_factory):
    """A folder with scores, table, areas and points of a network and a classical method."""
    folder = tmp_path_factory.mktemp("scored")
    for method in METHODS:
        argv = ["--level", "scores", "--task", "denoise", "--step", "denoise", "--family", "collection", "--sample", "s"]
        argv += ["--method", method, "--events", str(store_file), "--products", str(trained / f"{method}.h5")]
        assert measure.main([*argv, "--output", str(folder / f"{method}.tsv")]) == 0
    scores = [str(folder / f"{method}.tsv") for method in METHODS]
    assert table.main(["--scores", *scores, "--output", str(folder / "methods.tsv")]) == 0
    argv = ["--areas", str(folder / "areas.tsv"), "--points", str(folder / "points.tsv")]
    assert curves.main(["--measurements", *scores, *argv]) == 0
    return folder


def test_the_table_of_methods(scored):
    rows = read_table(scored / "methods.tsv")
    assert {(r["method"], r["channels"]) for r in rows} == {(m, c) for m in METHODS for c in ("all", "drift")}
    usual = {"mse", "psnr", "ssim", "imae", "signal_bias", "charge_bias", "charge_resolution"}
    charge = {f"{what}_{how}" for what in ("electron", "segment") for how in ("bias", "resolution")}
    charge |= {"electron_pull", "electron_uncertainty"}
    regions = {"pixel_efficiency", "pixel_purity", "region_efficiency", "region_purity", "region_auc"}
    for method in METHODS:
        assert {r["metric"] for r in rows if r["method"] == method} == usual | regions | charge
    assert "denoise, collection planes, drift-facing half, 1 event\n" in (scored / "methods.md").read_text()


def test_areas_of_curves_are_those_of_single_images(scored):
    areas = {r["method"]: r for r in read_table(scored / "areas.tsv")}
    rows = read_table(scored / "methods.tsv")
    exact = {r["method"]: float(r["value"]) for r in rows if r["metric"] == "region_auc" and r["channels"] == "all"}
    for method in METHODS:
        assert float(areas[method]["auc"]) == pytest.approx(exact[method], abs=0.01)
        assert areas[method]["error"] == "nan", "a single event"


def place(store_file):
    return ["--family", "collection", "--sample", "s", "--events", str(store_file)]


def drawn_twice(stage, argv, target):
    """Draw a figure twice and assert that it is the same bytes, with its numbers beside it."""
    found = []
    for _ in range(2):
        assert stage.main([*argv, "--output", str(target)]) == 0
        found.append(tuple(target.with_suffix(suffix).read_bytes() for suffix in (".png", ".svg", ".tsv")))
    assert found[0] == found[1], "same bytes"
    assert min(map(len, found[0])) > 50


@pytest.mark.parametrize("figure", ["display", "zoom", "waveforms"])
def test_event_displays(trained, store_file, tmp_path, figure):
    argv = [figure, *place(store_file), "--network", str(trained / "unet.h5"), "--classical", str(trained / "coherent.h5")]
    drawn_twice(draw_event, [*argv, "--names", "unet.t", "coherent"], tmp_path / "f.png")
    assert "tick (0.5 µs)" in (tmp_path / "f.svg").read_text()


def test_patches_are_drawn_where_they_lie(trained, store_file, tmp_path):
    argv = ["crops", *place(store_file), "--patches", str(trained / "train.h5")]
    drawn_twice(draw_event, argv, tmp_path / "f.png")
    rows = read_table(tmp_path / "f.tsv")
    assert {(r["height"], r["width"]) for r in rows} == {("32", "64")}
    assert len(rows) == 8
    assert "1" in {r["signal"] for r in rows}


def test_figures_from_tables(trained, scored, tmp_path):
    history = ["--tables", str(trained / "model" / "history.tsv"), "--names", "unet.t"]
    regions = ["--tables", str(scored / "points.tsv"), str(scored / "areas.tsv"), "--networks", "unet"]
    methods = ["--tables", str(scored / "methods.tsv"), "--networks", "unet", "--methods", "coherent"]
    for figure, argv in {"training": history, "regions": regions, "metrics": methods}.items():
        drawn_twice(draw_figure, [figure, *argv], tmp_path / f"{figure}.png")
    assert {r["method"] for r in read_table(tmp_path / "metrics.tsv")} == set(METHODS), "it shows all, whatever is compared"
    assert {r["method"] for r in read_table(tmp_path / "training.tsv")} == {"unet.t"}


def test_training_curves_have_a_panel_for_each_output(trained):
    row = {"method": "unet.t", **read_table(trained / "model" / "history.tsv")[0]}
    other = {"method": "mine.t", "epoch": "1", "train_classes": "2", "val_classes": "1", "val_loss": "1"}
    axes = draw_training([row, other], set(), "t").axes
    assert [a.get_ylabel() for a in axes] == [
        "denoised: mean squared error [ADC²]", "regions: cross entropy", "error of classes",
    ]  # fmt: skip
    assert [line.get_label() for line in axes[2].lines] == ["mine.t, training", "mine.t, validation"]


def test_methods_of_one_name_in_two_steps_are_told_apart():
    rows = [{"method": m, "step": s, "detector": "d"} for m, s in (("unet.base", "a"), ("unet.base", "b"), ("raw", "a"))]
    found, networks = distinct_methods(rows, ["unet.base"])
    assert [r["method"] for r in found] == ["unet.base (a)", "unet.base (b)", "raw"]
    assert networks >= {"unet.base (a)", "unet.base (b)"}
    assert distinct_methods(rows[1:], ["unet.base"])[0] == rows[1:], "no need where names are clear"


def test_points_take_the_areas_of_their_curves():
    point = {"detector": "d", "step": "s", "method": "m", "threshold": "0.5"}
    area = {"detector": "d", "step": "s", "method": "m", "auc": "0.9", "error": "0.1"}
    assert find_figure("regions").prepare([point, area]) == [{**point, "auc": "0.9", "error": "0.1"}]


ROWS = [{"detector": "protodune_sp", "task": "denoise", "step": "denoise", "family": "collection", "method": "raw"}]


@pytest.mark.parametrize(
    ("figure", "rows", "message"),
    [
        ("metrix", ROWS, "figure 'metrix' is unknown (did you mean 'metrics'?)"),
        ("metrics", ROWS, "t.tsv: has no column 'metric'"),
        ("residuals", ROWS, "t.tsv: has no column 'metric'"),
        ("noise", ROWS, "t.tsv: has no column 'plane'"),
        ("scaling", ROWS, "t.tsv: has no column 'kind'"),
        ("training", ROWS, "figure 'training': found the columns"),
        ("training", [{"val_denoised": 1.0, "train_denoised": 1.0}], "t.tsv: has no column 'epoch'"),
        ("search", ROWS, "t.tsv: has no column 'val_loss'"),
        ("simulation", ROWS, "t.tsv: has no column 'figure'"),
    ],
)
def test_a_table_of_another_kind_is_one_line(figure, rows, message, tmp_path, capsys):
    write_table(tmp_path / "t.tsv", rows, list(rows[0]))
    argv = [figure, "--tables", str(tmp_path / "t.tsv"), "--output", str(tmp_path / "f.png")]
    assert draw_figure.main([*argv, *(["--names", "unet.t"] if figure == "training" else [])]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "f.png").exists()
