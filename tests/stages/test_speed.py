"""How fast a network cleans planes, measured by the stages on a small one."""

import json

import pytest

from helpers import run_module
from protodune.core.tables import read_table
from protodune.learning.network import build_network
from protodune.learning.weights import save_weights
from protodune.stages.learn import measure_speed
from protodune.stages.publish import draw_figure

TICKS = 512


def weights(folder, name="unet", task="denoise", **settings):
    path = folder / f"{name}.safetensors"
    about = {"model": name, "network": name, "task": task, "network_settings": settings, "family": "collection"}
    save_weights(path, build_network(name, settings, task).module, about)
    return path


def test_speed_by_pixels_precision_and_runtime(tmp_path):
    output = tmp_path / "speed.tsv"
    argv = ["--network", "unet.small", "--weights", str(weights(tmp_path, widths=[4, 8])), "--family", "collection"]
    assert measure_speed.main([*argv, "--ticks", str(TICKS), "--repeats", "1", "--output", str(output)]) == 0
    rows = read_table(output)
    assert [r["runtime"] for r in rows].count("onnx") == 1
    assert {r["runtime"] for r in rows} == {"float32", "bfloat16", "onnx"}
    for row in rows:
        pieces = float(row["plane_s"]) / float(row["piece_s"])
        assert pieces == pytest.approx(round(pieces), rel=1e-4)
        assert pieces * float(row["mpixel"]) >= 960 * TICKS / 1e6 * 0.999, "the pieces cover the plane"
        assert (float(row["gmac"]) > 0) == (row["runtime"] != "onnx")
    smaller, larger = (r for r in rows if r["runtime"] == "float32" and r["share"] in ("0.25", "0.5"))
    assert float(smaller["mpixel"]) < float(larger["mpixel"])
    assert draw_figure.main(["speed", "--tables", str(output), "--output", str(tmp_path / "f.png")]) == 0
    assert [r["plane_s"] for r in read_table(tmp_path / "f.tsv")] == [r["plane_s"] for r in rows]
    assert "ONNX Runtime" in (tmp_path / "f.svg").read_text()


def test_the_multiplications_are_those_of_the_convolutions(tmp_path):
    """One level of width 4: counted by hand from the layers' shapes."""
    path = weights(tmp_path, "cnn", width=1)
    argv = ["--weights", str(path), "--family", "collection", "--runtime", "float32", "--share", "1", "--ticks", "64"]
    result = run_module("stages.learn.time_forward", *argv, "--repeats", "1")
    found = json.loads(result.stdout)
    module = build_network("cnn", {"width": 1}, "denoise").module
    taps = 0
    for name, parameter in module.named_parameters():
        # Every weight of a convolution is used once per pixel; of a pair of convolutions only the 5x5 into which both go.
        if parameter.ndim == 4 and ".conv1." not in name:
            taps += parameter.numel()
    assert found["gmac"] == pytest.approx(taps * 960 * 64 / 1e9, rel=1e-6)
    assert (found["windows"], found["mpixel"]) == (1, 960 * 64 / 1e6)


def test_networks_with_features_of_their_own_are_refused(tmp_path):
    argv = ["--network", "d", "--weights", str(weights(tmp_path, "dnnroi", "regions")), "--family", "collection"]
    result = run_module("stages.learn.measure_speed", *argv, "--output", str(tmp_path / "s.tsv"))
    assert "only networks on waveforms are timed" in result.stderr
    assert result.returncode
    assert not (tmp_path / "s.tsv").exists()
