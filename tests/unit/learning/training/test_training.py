import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from protodune.core.errors import ProtoduneError
from protodune.learning.network import build_network
from protodune.learning.patch_files import Patches
from protodune.learning.training import epochs
from protodune.learning.training.augment import augment
from protodune.learning.training.distributed import connect
from protodune.learning.training.fit import Job, fingerprint
from protodune.learning.training.optimisers import schedule
from protodune.learning.training.settings import OptimiserSettings
from protodune.learning.weights import load_weights, save_weights
from trainings import SETTINGS, numbers, train


def test_training_learns_and_repeats_itself(patches):
    state, history = train(patches)
    again, history_again = train(patches)
    assert history[-1].train["denoised"] < 0.7 * history[0].train["denoised"]
    assert numbers(history) == numbers(history_again)
    assert all(torch.equal(state[k], again[k]) for k in state)


def test_the_average_of_the_weights_is_what_is_kept(patches):
    plain, _ = train(patches)
    optimiser = dataclasses.replace(SETTINGS.optimiser, ema_decay=0.9)
    state, history = train(patches, settings=dataclasses.replace(SETTINGS, optimiser=optimiser))
    assert not torch.equal(state["head.weight"], plain["head.weight"])
    again, history_again = train(patches, settings=dataclasses.replace(SETTINGS, optimiser=optimiser))
    assert numbers(history) == numbers(history_again)
    assert all(torch.equal(state[k], again[k]) for k in state)


def test_training_ends_when_nothing_gets_better(patches, monkeypatch):
    monkeypatch.setattr(epochs, "validate", lambda run, loader: torch.tensor([1.0, 1.0], dtype=torch.float64))
    optimiser = dataclasses.replace(SETTINGS.optimiser, epochs=6, patience=2)
    assert len(train(patches, settings=dataclasses.replace(SETTINGS, optimiser=optimiser))[1]) == 3


def test_a_region_selector_trains_alone(region_patches):
    settings = dataclasses.replace(SETTINGS, task="regions", network="cnn", network_settings={"width": 2})
    _, history = train(region_patches, settings=settings)
    assert list(history[0].val) == ["regions"]
    assert history[-1].train["regions"] < history[0].train["regions"]
    assert history[0].val_loss == history[0].val["regions"]


def test_augmentation_is_what_the_physics_allows(rng):
    clean, roi = (rng.uniform(1, 2, (30, 1, 8, 500)).astype(np.float32) for _ in range(2))
    noise, median = (rng.standard_normal((30, 8, 500)).astype(np.float32) for _ in range(2))
    features = np.stack([clean[:, 0] + noise, median], axis=1)
    features[:, 0, 3] = clean[:, 0, 3] = 0  # a bad channel
    before = [x.copy() for x in (features, clean, roi)]
    labels = {"denoised": clean, "regions": roi}
    augment(Patches(features, labels, labels["denoised"]), np.arange(30), seed=1, epoch=2)
    mirrored, factors, offsets = 0, [], []
    for k in range(30):
        turned = slice(None, None, -1) if np.array_equal(roi[k], before[2][k][:, ::-1]) else slice(None)
        mirrored += turned.step is not None
        assert np.array_equal(roi[k], before[2][k][:, turned])
        dead = 4 if turned.step else 3
        good = [row for row in range(8) if row != dead]
        gain = (clean[k, 0, good] / before[1][k, 0, turned][good]).mean()
        assert clean[k] == pytest.approx(gain * before[1][k][:, turned], rel=1e-5)
        scale = (features[k, 1] / before[0][k, 1, turned]).mean()
        assert features[k, 1] == pytest.approx(scale * before[0][k, 1, turned], rel=1e-4)
        # What is not signal is scaled like the median, each channel has moved by a constant, a bad one is still zero.
        left = features[k, 0] - clean[k, 0] - scale * (before[0][k, 0, turned] - before[1][k, 0, turned])
        assert np.abs(left[good] - left[good].mean(axis=1, keepdims=True)).max() < 1e-4
        assert not features[k, 0, dead].any()
        factors.append((gain, scale / gain))
        offsets += left[good, 0].tolist()
    assert 5 < mirrored < 25
    assert ((np.array(factors) > 0.849) & (np.array(factors) < 1.151)).all()
    assert np.ptp(factors, axis=0).min() > 0.15
    assert np.std(offsets) == pytest.approx(0.2, rel=0.2)


def same_training(patches, **changes):
    settings = dataclasses.replace(SETTINGS, optimiser=dataclasses.replace(SETTINGS.optimiser, **changes))
    return train(patches, settings=settings)


@pytest.mark.parametrize("loss", ["mse", "imae", "ssim", "ssim_l1", "ssim_l2"])
def test_every_loss_of_the_waveforms_trains(loss, patches):
    _, history = same_training(patches, loss={"denoised": loss}, epochs=2)
    assert all(np.isfinite(r.train["denoised"]) for r in history)
    assert numbers(history) != numbers(same_training(patches, epochs=2)[1])


@pytest.mark.parametrize("loss", ["bce", "softdice", "bce_dice"])
def test_every_loss_of_the_regions_trains(loss, patches):
    _, history = same_training(patches, loss={"regions": loss}, weight={"regions": 1.0})
    assert history[-1].val["regions"] < history[0].val["regions"]


def test_deterministic_and_compiled_training(patches):
    state, history = same_training(patches, deterministic=True)
    assert torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(False)
    _, plain_history = train(patches)
    for one, other in zip(history, plain_history, strict=True):
        assert one.val["denoised"] == pytest.approx(other.val["denoised"], rel=1e-2), "only the rounding of sums differs"
    again, again_history = same_training(patches, deterministic=True)
    torch.use_deterministic_algorithms(False)
    assert numbers(history) == numbers(again_history)
    assert all(torch.equal(state[k], again[k]) for k in state)
    if shutil.which("g++") is None or " " in torch.__file__:  # the next test
        return
    _, compiled = same_training(patches, compile=True, epochs=1)
    plain = same_training(patches, epochs=1)[1][0]
    assert compiled[0].train["denoised"] == pytest.approx(plain.train["denoised"], rel=1e-3)


def test_compiling_from_a_path_with_a_space_is_refused(patches, monkeypatch):
    monkeypatch.setattr(torch, "__file__", "/a b/torch/__init__.py")
    with pytest.raises(ProtoduneError, match=r"torch stands in /a b/torch.*a path with a space; set 'compile: false'"):
        same_training(patches, compile=True, epochs=1)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_learns_as_much(precision, patches):
    if precision == "float16" and not hasattr(torch.amp, "GradScaler"):
        with pytest.raises(ProtoduneError, match=r"float16 on a CPU needs torch 2\.3"):
            same_training(patches, precision=precision)
        return
    _, history = same_training(patches, precision=precision)
    # float16 leaves out its first steps until the scale of its gradients fits.
    assert history[-1].val["denoised"] == pytest.approx(train(patches)[1][-1].val["denoised"], rel=0.3)


@pytest.mark.parametrize(("name", "network"), [("gcnn", {"width": 2}), ("uscg", {})])
def test_graph_networks_train(name, network, patches):
    settings = dataclasses.replace(SETTINGS, network=name, network_settings=network)
    settings = dataclasses.replace(settings, optimiser=dataclasses.replace(SETTINGS.optimiser, epochs=1, learning_rate=1e-3))
    state, history = train(patches, settings=settings)
    assert np.isfinite(history[0].val["denoised"])
    fresh = build_network(name, network, "denoise").module.state_dict()
    assert state.keys() == fresh.keys()


def test_schedule_warms_up_and_falls_to_zero():
    rates = [schedule(s, 100, OptimiserSettings(learning_rate=1.0, warmup_fraction=0.1)) for s in range(100)]
    assert rates[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert rates[10] == 1.0
    assert all(np.diff(rates[10:]) < 0)
    assert rates[-1] < 0.01


def test_too_few_patches(patches):
    opt = dataclasses.replace(SETTINGS.optimiser, global_batch=100, micro_batch=50)
    with pytest.raises(ProtoduneError, match="24 training and 6 validation patches, expected at least global_batch = 100"):
        train(patches, settings=dataclasses.replace(SETTINGS, optimiser=opt))


def test_patches_of_a_size_that_the_network_cannot_halve(patches):
    settings = dataclasses.replace(SETTINGS, network_settings={"widths": [4] * 6})
    with pytest.raises(
        ProtoduneError, match=r"patches of \d+ x \d+, but unet takes multiples of 32 x 128; change height and width"
    ):
        train(patches, settings=settings)


def test_a_diverging_training_stops(patches):
    opt = dataclasses.replace(SETTINGS.optimiser, learning_rate=1e30)
    with pytest.raises(ProtoduneError, match="the loss is not finite"):
        train(patches, settings=dataclasses.replace(SETTINGS, optimiser=opt))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"global_batch": 5, "micro_batch": 2}, "global_batch 5 is not a multiple of micro_batch 2"),
        ({"precision": "float64"}, "expected float32 or bfloat16 or float16"),
        ({"epochs": 0}, "at least 1"),
        ({"learning_rate": 0.0}, "above 0"),
        ({"weight": {"regions": -1}}, r"training\.weight\.regions: found -1, expected a number of 0 or more"),
        ({"algorithm": "sgd"}, "expected adamw or lars or lamb"),
    ],
)
def test_impossible_settings_are_refused(change, message):
    with pytest.raises(ProtoduneError, match=message):
        OptimiserSettings(**change)


def test_bfloat16_trains(patches):
    opt = dataclasses.replace(SETTINGS.optimiser, precision="bfloat16", epochs=1)
    _, history = train(patches, settings=dataclasses.replace(SETTINGS, optimiser=opt))
    assert np.isfinite(history[0].val["denoised"])


def test_weights_describe_themselves(tmp_path):
    module = build_network("unet", {"widths": [4, 8]}, "denoise").module
    about = {"network": "unet", "network_settings": {"widths": [4, 8]}, "family": "collection", "task": "denoise"}
    save_weights(tmp_path / "w.safetensors", module, about)
    loaded, found = load_weights(tmp_path / "w.safetensors", {"family": "collection"})
    assert found["network_settings"] == {"widths": [4, 8]}
    assert [o.name for o in loaded.outputs] == ["denoised", "regions"]
    states = module.state_dict().values(), loaded.module.state_dict().values()
    assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))
    with pytest.raises(ProtoduneError, match="weights of family 'collection', expected 'induction'"):
        load_weights(tmp_path / "w.safetensors", {"family": "induction"})
    with pytest.raises(
        ProtoduneError, match="weights of task 'denoise', expected 'regions'; give the weights that were trained"
    ):
        load_weights(tmp_path / "w.safetensors", {"task": "regions"})
    save_weights(tmp_path / "wrong.safetensors", module, about | {"network_settings": {"widths": [8, 16]}})
    with pytest.raises(ProtoduneError, match="tensors do not fit the network 'unet'"):
        load_weights(tmp_path / "wrong.safetensors")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ProtoduneError, match="not a safetensors file"):
        load_weights(tmp_path / "text")


def test_weights_of_the_format_before_are_refused(tmp_path):
    about = {"architecture": "unet", "network": {}, "task": "roi", "family": "collection", "format_version": 1}
    metadata = {"protodune": json.dumps({**about, "format": "protodune-weights"})}
    save_file({"x": torch.zeros(1)}, tmp_path / "old.safetensors", metadata)
    with pytest.raises(ProtoduneError, match="protodune-weights version 1, expected protodune-weights version 2; train"):
        load_weights(tmp_path / "old.safetensors")


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({}, "its metadata lack task, network, network_settings, expected all from which the network is built again"),
        ({"task": "denoise", "network": "unet"}, "its metadata lack network_settings"),
        ({"task": "denoise", "network": "unet", "network_settings": [4]}, "its metadata lack network_settings"),
        (None, "found format None version None, expected protodune-weights version 2"),
        ([], "found format None version None, expected protodune-weights version 2"),
    ],
)
def test_weights_whose_metadata_do_not_say_the_network_are_refused(about, message, tmp_path):
    known = {"format": "protodune-weights", "format_version": 2}
    text = json.dumps({**about, **known} if isinstance(about, dict) else about)
    save_file({"x": torch.zeros(1)}, tmp_path / "w.safetensors", None if about is None else {"protodune": text})
    with pytest.raises(ProtoduneError, match=message):
        load_weights(tmp_path / "w.safetensors")


def test_the_fingerprint_follows_settings_code_and_data(patches):
    def of(settings=SETTINGS, code="c", train="train.h5"):
        return fingerprint(settings, Job([patches / train], [patches / "val.h5"], code=code))

    assert of() == of()
    assert len({of(), of(dataclasses.replace(SETTINGS, seed=2)), of(code="d"), of(train="val.h5")}) == 4


def test_an_unknown_backend_is_refused():
    with pytest.raises(ProtoduneError, match="expected one of auto, horovod, torch, none"):
        connect("mpi")
    assert connect("none").size == 1
