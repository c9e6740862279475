"""Every stage by its command line: the happy path through all of them, and each wrong input as one line."""

import json
import os
import shutil

import numpy as np
import pytest
import uproot

from helpers import DATA, TICKS, as_json, one_line_error, run_module, small_sample
from protodune.publish.figures.curves import draw_training
from protodune.events.predictions import Predictions
from protodune.rawio.flat import write_flat
from protodune.simulation.events import simulate_events
from protodune.stages.learn import prepare, train
from protodune.stages.measure.measure import roi_curves, score, table
from protodune.stages.produce import convert, infer_classical, infer_network
from protodune.stages.publish import draw, draw_event
from protodune.events.store import EventStore
from protodune.core.tables import read_table

CONVERT = as_json(sample="s", kind="simulation")


def test_from_weights_to_table_and_figures(trained, store_file, tmp_path):
    scores = []
    for method in ("unet", "coherent"):
        scores.append(str(tmp_path / f"{method}.tsv"))
        argv = ["--plane", "collection", "--method", method, "--sample", "s", "--events", str(store_file)]
        argv += ["--predictions", str(trained / f"{method}.h5"), "--curves", str(tmp_path / f"{method}.curves.tsv")]
        assert score.main([*argv, "--output", scores[-1]]) == 0
    assert table.main(["--scores", *scores, "--output", str(tmp_path / "methods.tsv")]) == 0
    rows = read_table(tmp_path / "methods.tsv")
    assert {(r["method"], r["region"]) for r in rows} == {(m, r) for m in ("unet", "coherent") for r in ("all", "drift")}
    usual = {"mse", "psnr", "ssim", "imae", "signal_bias", "charge_bias", "charge_resolution"}
    regions = {"pixel_efficiency", "pixel_purity", "roi_efficiency", "roi_purity", "roi_auc"}
    for method in ("unet", "coherent"):
        assert {r["metric"] for r in rows if r["method"] == method} == usual | regions
    assert "drift-facing half, 1 event(s)" in (tmp_path / "methods.md").read_text()
    argv = ["--plane", "collection", "--curves", *(str(tmp_path / f"{m}.curves.tsv") for m in ("unet", "coherent"))]
    argv += ["--names", "unet", "coherent", "--networks", "unet", "--areas", str(tmp_path / "roi_areas.tsv")]
    assert roi_curves.main([*argv, "--output", str(tmp_path / "roi.png")]) == 0
    areas = {r["method"]: r for r in read_table(tmp_path / "roi_areas.tsv")}
    exact = {r["method"]: float(r["mean"]) for r in rows if r["metric"] == "roi_auc" and r["region"] == "all"}
    for method in ("unet", "coherent"):
        assert float(areas[method]["auc"]) == pytest.approx(exact[method], abs=0.01)
        assert areas[method]["error"] == "nan", "a single event"
    assert (tmp_path / "roi.svg").stat().st_size > 1000

    shown = ["--plane", "collection", "--sample", "s", "--events", str(store_file), "--network", str(trained / "unet.h5")]
    shown += ["--classical", str(trained / "coherent.h5"), "--names", "unet.t", "coherent"]
    history = ["--plane", "collection", "--histories", str(trained / "model" / "history.tsv"), "--names", "unet.t"]
    for name, argv in {
        "display": shown,
        "zoom": shown,
        "waveforms": shown,
        "crops": [
            "--plane",
            "collection",
            "--sample",
            "s",
            "--events",
            str(store_file),
            "--patches",
            str(trained / "train.h5"),
        ],
        "training": history,
        "metrics": ["--table", str(tmp_path / "methods.tsv"), "--networks", "unet"],
    }.items():
        stage = draw if name in draw.FIGURES else draw_event
        assert stage.main([name, *argv, "--output", str(tmp_path / f"{name}.png")]) == 0
        for suffix in ("png", "svg", "tsv"):
            assert (tmp_path / f"{name}.{suffix}").stat().st_size > 50
        first = (tmp_path / f"{name}.png").read_bytes(), (tmp_path / f"{name}.svg").read_bytes()
        assert stage.main([name, *argv, "--output", str(tmp_path / f"{name}.png")]) == 0
        assert first == ((tmp_path / f"{name}.png").read_bytes(), (tmp_path / f"{name}.svg").read_bytes()), "same bytes"


def test_training_curves_have_a_panel_for_what_networks_make(trained, tmp_path):
    both = read_table(trained / "model" / "history.tsv")
    regions = [{**row, "train_mse": "nan", "val_mse": "nan"} for row in both]
    assert [axis.get_ylabel() for axis in draw_training({"unet.t": both}, "t").axes] == [
        "mean squared error [ADC²]",
        "cross entropy of regions",
    ]
    (axis,) = draw_training({"cnn.roi": regions}, "t").axes
    assert axis.get_ylabel() == "cross entropy of regions"
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["cnn.roi, training", "cnn.roi, validation"]


def test_event_stores_carry_settings_and_versions(store_file):
    with EventStore(store_file) as store:
        assert store.about["source_about"]["seed"] == 7
        assert store.about["versions"]["uproot"]


def test_a_noise_off_partner_gives_the_truth(tmp_path):
    noisy = list(simulate_events(small_sample(events=2)))
    silent = {"incoherent_noise": False, "channel_noise_spread": False, "coherent_noise": False}
    off = list(simulate_events(small_sample(events=2, simulation={"effects": silent})))
    write_flat(tmp_path / "noisy.root", noisy, TICKS, {})
    write_flat(tmp_path / "off.root", off[::-1], TICKS, {})  # paired by id, not by order
    convert.run(
        convert.ConvertSettings("s", "simulation"), str(tmp_path / "noisy.root"), str(tmp_path / "off.root"),
        str(tmp_path / "s.h5"),
    )  # fmt: skip
    with EventStore(tmp_path / "s.h5") as store:
        for image in (0, 1):
            clean = noisy[image].clean[1600:] * 0.125
            assert np.abs(store.clean("X", image) - clean).max() < 0.7, "integer digits of the partner"


def root_without_events(path):
    with uproot.recreate(path) as file:
        file.mktree("Events", {"x": "i4"})


BAD_SOURCES = {
    "missing file": (None, "no such file"),
    "empty file": (lambda p: p.write_bytes(b""), "found an empty file"),
    "tree without digits": (root_without_events, "has no branch raw::RawDigits_"),
    "two candidate tags": (lambda p: shutil.copy(DATA / "art_zs_huffman.root", p), "set 'tag' of this sample"),
    "damaged payload": (lambda p: shutil.copy(DATA / "art_badpayload.root", p), "the file is damaged"),
}


@pytest.mark.parametrize("case", BAD_SOURCES)
def test_a_bad_source_is_one_line_and_leaves_nothing(case, tmp_path):
    make, message = BAD_SOURCES[case]
    source, output = tmp_path / "in.root", tmp_path / "out" / "s.h5"
    if make:
        make(source)
    result = run_module("stages.produce.convert", "--settings", CONVERT, "--source", source, "--output", output)
    assert message in one_line_error(result, "convert")
    assert str(source) in result.stderr
    assert not output.parent.exists() or list(output.parent.iterdir()) == []


def test_a_partner_with_other_events(tmp_path, flat_file):
    other = small_sample(run=2)
    write_flat(tmp_path / "off.root", simulate_events(other), TICKS, {})
    arguments = ["--source", flat_file, "--partner", tmp_path / "off.root", "--output", tmp_path / "s.h5"]
    result = run_module("stages.produce.convert", "--settings", CONVERT, *arguments)
    error = one_line_error(result, "convert")
    assert "has no event (run, subrun, event) (1, 0, 1)" in error
    assert "found (2, 0, 1)" in error
    assert not (tmp_path / "s.h5").exists()


def test_a_partner_that_is_not_noise_off(tmp_path, raw_event, flat_file):
    shifted = next(simulate_events(small_sample()))
    shifted.pedestal = shifted.pedestal - 100
    write_flat(tmp_path / "off.root", [shifted], TICKS, {})
    arguments = ["--source", flat_file, "--partner", tmp_path / "off.root", "--output", tmp_path / "s.h5"]
    result = run_module("stages.produce.convert", "--settings", CONVERT, *arguments)
    assert "ADC off the recorded pedestal" in one_line_error(result, "convert")


def test_predictions_of_other_events(tmp_path, trained):
    write_flat(tmp_path / "b.root", simulate_events(small_sample(run=9)), TICKS, {})
    convert.run(convert.ConvertSettings("b", "simulation"), str(tmp_path / "b.root"), None, str(tmp_path / "b.h5"))
    arguments = ["--plane", "collection", "--method", "unet", "--sample", "b", "--events", tmp_path / "b.h5"]
    arguments += ["--predictions", trained / "unet.h5", "--output", tmp_path / "s.tsv", "--curves", tmp_path / "c.tsv"]
    assert "made from other events" in one_line_error(run_module("stages.measure.score", *arguments), "score")
