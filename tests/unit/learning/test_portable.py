import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from protodune.classical import coherent
from protodune.core.errors import ProtoduneError
from protodune.detector.registry import find_detector
from protodune.learning import portable
from protodune.learning.network import build_network
from protodune.learning.portable import Portable, example_plane, group_median, write_onnx, write_torchscript
from protodune.learning.weights import save_weights
from protodune.stages.learn import export_model

NETWORKS = {"unet": {"widths": [4, 8]}, "cnn": {"width": 1}, "gcnn": {"width": 1}, "uscg": {}, "dnnroi": {"width": 2}}
SHAPES = {"gcnn": (48, 32), "dnnroi": (3, 48, 50)}


def network(name):
    torch.manual_seed(1)
    return build_network(name, NETWORKS[name], "regions" if name == "dnnroi" else "denoise")


def test_group_median_is_the_classical_one(rng):
    x = rng.standard_normal((96, 40)).astype(np.float32)
    bad = np.zeros(96, bool)
    bad[[0, 5, 6, 50]] = True
    bad[48:95] = True  # one good channel is left in the second group
    x[bad] = 0
    wanted = np.repeat(coherent.group_median(x, 48, bad), 48, axis=0)
    assert np.array_equal(group_median(torch.from_numpy(x)[None], 48)[0].numpy(), wanted)


@pytest.mark.parametrize("name", NETWORKS)
def test_exports_agree_with_the_network(name, tmp_path):
    shape = SHAPES.get(name, (48, 90))  # 90: not a multiple of the U-Net's stride
    whole = Portable(network(name), 48)
    tolerance = 0.5 if name == "gcnn" else 1e-4
    assert write_onnx(whole, shape, tmp_path / "m.onnx") < tolerance
    assert write_torchscript(whole, shape, tmp_path / "m.pt") < tolerance
    onnx.checker.check_model(tmp_path / "m.onnx")
    # Another plane than the exporter's, and a batch.
    x = torch.cat([example_plane(shape).flip(-1) * 0.7, example_plane(shape) + 1])
    with torch.no_grad():
        expected = [image.numpy() for image in whole(x)]
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"))
    assert [o.name for o in session.get_outputs()] == list(whole.outputs)
    found = session.run(None, {whole.input: x.numpy()})
    for a, b in zip(found, expected, strict=True):
        assert np.quantile(np.abs(a - b), 0.75 if name == "gcnn" else 1) < 1e-4 * max(1, np.abs(b).max())
    loaded = torch.jit.load(str(tmp_path / "m.pt"))
    with torch.no_grad():
        again = loaded(x[:1])
    for a, b in zip(again, expected, strict=True):
        assert np.quantile(np.abs(a.numpy() - b[:1]), 0.75 if name == "gcnn" else 1) < 1e-4 * max(1, np.abs(b).max())


def test_an_export_that_differs_is_not_left_behind(tmp_path, monkeypatch):
    whole = Portable(network("unet"), 48)
    monkeypatch.setattr(portable, "_call", lambda *_: [np.full((1, 48, 64), 9.0), np.full((1, 48, 64), 9.0)])
    for write in (write_onnx, write_torchscript):
        with pytest.raises(ProtoduneError, match="differs from the original by"):
            write(whole, (48, 64), tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_export_leaves_nothing(tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(onnxruntime, "InferenceSession", stop)
    with pytest.raises(KeyboardInterrupt):
        write_onnx(Portable(network("unet"), 48), (48, 64), tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_stage_writes_both_and_a_card(tmp_path, capsys):
    about = {
        "task": "denoise", "model": "tiny", "network": "unet", "family": "collection", "trial": "t",
        "network_settings": NETWORKS["unet"], "parameters": 5, "val_denoised": 0.25, "settings": {"seed": 3},
        "data": {"train": ["sample_a"], "val": ["sample_b"]},
    }  # fmt: skip
    save_weights(tmp_path / "w.safetensors", network("unet").module, about)
    arguments = ["--weights", str(tmp_path / "w.safetensors"), "--family", "collection", "--output", str(tmp_path / "out")]
    assert export_model.main([*arguments, "--ticks", "64"]) == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["model.onnx", "model.torchscript.pt", "model_card.md"]
    card = (tmp_path / "out/model_card.md").read_text()
    for text in (
        "# tiny, collection planes",
        "sample_a (validation: sample_b)",
        "denoised (mse) 0.2500 ADC²",
        "* `denoised`: float32 (batch, 960, 64), ADC.",
        "* `regions`: float32 (batch, 960, 64), probability, 0 to 1.",
        "960 channels by 64 ticks only",
    ):
        assert text in card
    session = onnxruntime.InferenceSession(str(tmp_path / "out/model.onnx"))
    assert session.get_inputs()[0].shape == ["batch", 960, 64]
    assert "`waveforms`: float32 (batch, 960, 64), ADC without pedestal" in card
    wrong = [a if a != "collection" else "induction" for a in arguments]
    assert export_model.main(wrong) == 1
    assert "weights of family 'collection', expected 'induction'" in capsys.readouterr().err


def test_region_selector_on_other_features_goes_out_with_them_as_input(tmp_path):
    about = {
        "task": "regions", "model": "tiny", "network": "dnnroi", "family": "induction", "trial": "t",
        "network_settings": NETWORKS["dnnroi"], "parameters": 5, "val_regions": 0.25, "settings": {"seed": 3},
    }  # fmt: skip
    save_weights(tmp_path / "w.safetensors", network("dnnroi").module, about)
    arguments = ["--weights", str(tmp_path / "w.safetensors"), "--family", "induction", "--output", str(tmp_path / "out")]
    assert export_model.main([*arguments, "--ticks", "640"]) == 0
    session = onnxruntime.InferenceSession(str(tmp_path / "out/model.onnx"))
    (features,) = session.get_inputs()
    assert (features.name, features.shape) == ("features", ["batch", 3, 800, 64])
    (score,) = session.run(None, {"features": example_plane((3, 800, 64)).numpy()})
    assert score.shape == (1, 800, 64)
    assert 0 <= score.min() < score.max() <= 1
    card = (tmp_path / "out/model_card.md").read_text()
    for text in (
        "float32 (batch, 3, 800, 64): loose, mp2, mp3",
        "feature set\n`dnnroi`; slices of 10 ticks",
        "64 slices of 10 ticks only",
    ):
        assert text in card


def test_classes_go_out_as_probabilities_for_the_planes_of_a_detector(tmp_path):
    torch.manual_seed(1)
    task, name = "plugins.pixel_task", "plugins.pixel_network"
    about = {
        "task": task, "model": "tiny", "network": name, "family": "collection", "network_settings": {"width": 2},
        "parameters": 5, "val_classes": 0.5, "settings": {"seed": 3},
    }  # fmt: skip
    save_weights(tmp_path / "w.safetensors", build_network(name, {"width": 2}, task).module, about)
    argv = ["--weights", str(tmp_path / "w.safetensors"), "--family", "collection", "--output", str(tmp_path / "out")]
    assert export_model.main([*argv, "--detector", "plugins.small_detector"]) == 0
    detector = find_detector("plugins.small_detector")
    rows = next(p for p in detector.planes() if p.collects).n_channels
    session = onnxruntime.InferenceSession(str(tmp_path / "out/model.onnx"))
    shape = (2, rows, detector.readout_ticks)
    assert session.get_inputs()[0].shape == ["batch", *shape], "the detector's readout"
    (score,) = session.run(None, {"features": example_plane(shape).numpy()})
    assert score.shape == (1, 3, rows, detector.readout_ticks)
    assert np.abs(score.sum(axis=1) - 1).max() < 1e-5
    card = (tmp_path / "out/model_card.md").read_text()
    assert f"* `classes`: float32 (batch, 3, {rows}, {detector.readout_ticks}), probabilities of 3 classes" in card
    assert "classes (class_cross_entropy) 0.5000" in card
    assert detector.title in card
