"""A network as a method: gains of other detectors, cuts, and what the product says of itself."""

import types

import numpy as np
import pytest
import torch

from helpers import REPOSITORY
from protodune.core.errors import ProtoduneError
from protodune.events.products import Place
from protodune.learning import method
from protodune.learning.features.cleaned import cleaned_features
from protodune.learning.features.waveform import plane_features
from protodune.learning.method import NetworkSettings, PlanesByNetwork, TrainedMethod
from protodune.learning.network import build_network
from protodune.learning.portable import Portable, example_plane


def test_waveforms_are_divided_by_the_gain_and_outputs_multiplied(monkeypatch):
    network = build_network("unet", {"widths": [4, 8]}, "denoise")
    rng = np.random.default_rng(1)
    made = {"denoised": rng.normal(0, 10, (8, 16)).astype(np.float32), "regions": rng.random((8, 16)).astype(np.float32)}
    monkeypatch.setattr(method, "infer_plane", lambda *_: {k: v.copy() for k, v in made.items()})
    features = types.SimpleNamespace(rebin=1, build=lambda *_: None)
    monkeypatch.setattr(type(network), "features", features)
    monkeypatch.setattr(method, "derivations_of", lambda _: {})
    store = types.SimpleNamespace(ticks=16)
    for scale in (1.0, 2.5):
        place = Place(0, types.SimpleNamespace(name="X", adc_scale=scale))
        trained = TrainedMethod(network, NetworkSettings("denoise", cut_adc=4.0), "collection", None, {"threshold": 0.5})
        [product] = PlanesByNetwork(trained, {})(store, [place])
        wanted = np.where(np.abs(made["denoised"]) > 4, made["denoised"], 0) * np.float32(scale)
        assert product["denoised"] == pytest.approx(wanted, rel=1e-6), "the cut is in ADC of the reference gain"
        assert np.array_equal(product["regions"], made["regions"]), "a score has no gain"


def test_features_are_in_adc_of_the_reference_gain(monkeypatch):
    rng = np.random.default_rng(2)
    waveforms = rng.normal(0, 5, (96, 40)).astype(np.float32)

    def store(scale):
        plane = types.SimpleNamespace(adc_scale=scale, group_size=48)
        return types.SimpleNamespace(
            plane=lambda *_: plane, bad=lambda *_: np.zeros(96, bool), waveforms=lambda *_: scale * waveforms,
            adc=lambda *_: waveforms.astype(np.int16),
        )  # fmt: skip

    monkeypatch.setattr("protodune.learning.features.waveform.mend_sticky_codes", lambda found, *_: found)
    monkeypatch.setattr("protodune.learning.features.waveform.restore_baseline", lambda found, _: found)
    assert np.array_equal(plane_features(store(2.0), "X", 0), plane_features(store(1.0), "X", 0))
    products = types.SimpleNamespace(
        about={"task": "denoise"}, has=lambda name: False, image=lambda *_: 2.0 * waveforms
    )  # fmt: skip
    assert np.array_equal(cleaned_features(store(2.0), "X", 0, {"a": products})[0], waveforms)


def test_weights_of_another_network_are_refused():
    weights = REPOSITORY / "zoo" / "unet.collection.safetensors"
    settings = NetworkSettings("denoise", network="cnn")
    with pytest.raises(
        ProtoduneError, match="weights of network 'unet', expected 'cnn'; give the weights that were trained"
    ):
        method.load_method(settings, "collection", str(weights))


def test_an_exported_network_knows_the_gain():
    torch.manual_seed(1)
    network = build_network("unet", {"widths": [4, 8]}, "denoise")
    x = example_plane((48, 64))
    with torch.no_grad():
        denoised, regions = Portable(network, 48)(x)
        doubled, same = Portable(network, 48, 2.0)(2 * x)
    assert torch.allclose(doubled, 2 * denoised, rtol=1e-4, atol=1e-4)
    assert torch.allclose(same, regions, rtol=1e-4, atol=1e-5)
