"""BatchNorm's statistics, the average of the weights, validation and the loading of patches, each by itself."""

import dataclasses

import numpy as np
import pytest
import torch

from protodune.core.errors import ProtoduneError
from protodune.learning.network import build_network
from protodune.learning.patch_files import PatchFiles
from protodune.learning.patches import PatchSettings, write_patches
from protodune.learning.training.data import Loader, check_patches
from protodune.learning.training.distributed import SingleProcess
from protodune.learning.training.run import Run
from protodune.learning.training.statistics import Norms, WeightAverage
from protodune.learning.training.validation import validate
from trainings import SETTINGS


@pytest.fixture
def parts(patches):
    torch.manual_seed(1)
    network = build_network("unet", {"widths": [4, 8]}, "denoise")
    run = Run(network, SETTINGS, SingleProcess())
    return run, Loader(run, PatchFiles([patches / "train.h5"]), PatchFiles([patches / "val.h5"]))


def test_calibration_sets_the_mean_over_patches(parts):
    run, loader = parts
    norms = Norms(run, loader)
    norms.hold()
    run.module.train()
    before = run.module.encoder[0][1].running_mean.clone()
    run.module(loader.load(loader.train, np.arange(4))[0])
    assert torch.equal(run.module.encoder[0][1].running_mean, before), "training leaves them alone"
    seen = []
    run.module.encoder[0][0].register_forward_hook(lambda layer, given, found: seen.append(found.mean((0, 2, 3))))
    norms.calibrate()
    assert len(seen) == run.opt.calibration_patches // run.opt.micro_batch
    assert torch.allclose(run.module.encoder[0][1].running_mean, torch.stack(seen).mean(0), atol=1e-5)


def test_the_average_follows_and_gives_the_weights_back():
    layer = torch.nn.Linear(1, 1, bias=False)
    layer.weight.data.fill_(0.0)
    average = WeightAverage(layer, 0.5)
    layer.weight.data.fill_(1.0)
    average.follow(0)  # decay 1/10 at the first step
    with average.in_place():
        assert layer.weight.item() == pytest.approx(0.9)
    assert layer.weight.item() == 1.0
    state = average.state()
    other = WeightAverage(layer, 0.5)
    other.restore(state, torch.device("cpu"))
    with other.in_place():
        assert layer.weight.item() == pytest.approx(0.9)
    nothing = WeightAverage(layer, 0.0)
    nothing.follow(0)
    with nothing.in_place():
        assert layer.weight.item() == 1.0
    assert nothing.state() == {}


def test_validation_is_the_mean_over_all_patches(parts):
    run, loader = parts
    run.module.forward = lambda x: torch.zeros(len(x), 2, *x.shape[2:])
    found = validate(run, loader)
    labels = loader.val.read(np.arange(len(loader.val))).labels
    assert found[0] == pytest.approx(np.square(labels["denoised"], dtype=np.float64).mean())
    assert found[1] == pytest.approx(np.log(2)), "a logit of 0 knows nothing"
    assert run.total_reported(found) == pytest.approx(float(found[0]) / 25 + 0.2 * np.log(2))
    assert run.by_output(found) == {"denoised": float(found[0]), "regions": float(found[1])}


def test_a_step_that_was_prepared_is_not_read_again(parts):
    run, loader = parts
    patches = np.array([3, 1, 2, 0])
    assert loader.prepared(patches, 1) is None
    loader.prepare(patches, 1)
    ahead = loader.prepared(patches, 1)
    assert len(ahead) == 2
    again = loader.load(loader.train, run.mine(patches)[0], 1)
    assert torch.equal(ahead[0][0], again[0])
    assert loader.prepared(patches, 2) is None, "another epoch varies them otherwise"


def test_only_waveforms_are_varied_and_only_while_training(parts):
    _, loader = parts
    plain = torch.from_numpy(loader.train.read(np.arange(2)).features)
    assert torch.equal(loader.load(loader.train, np.arange(2))[0], plain)
    assert not torch.equal(loader.load(loader.train, np.arange(2), 1)[0], plain)
    loader.train.augment = "none"
    assert torch.equal(loader.load(loader.train, np.arange(2), 1)[0], plain)


def test_the_signal_of_region_patches_is_varied_as_that_of_waveform_patches(patches, region_patches):
    """Both tasks draw the same crops, and see the same waveforms after the same variation."""
    seen = []
    for task, folder in (("denoise", patches), ("regions", region_patches)):
        network = build_network("cnn", {"width": 2}, task)
        settings = dataclasses.replace(SETTINGS, task=task, network="cnn", network_settings={"width": 2})
        run = Run(network, settings, SingleProcess())
        files = PatchFiles([folder / "train.h5"])
        seen.append(Loader(run, files, files).load(files, np.arange(24), 3)[0])
    assert torch.equal(*seen)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "regions", "network": "cnn"}, "patches of the task 'denoise', but the training is for 'regions'"),
        ({"family": "induction"}, "patches of collection planes, expected those of induction"),
    ],
)
def test_patches_of_something_else_are_refused(changes, message, patches):
    settings = dataclasses.replace(SETTINGS, network_settings={}, **changes)
    run = Run(build_network(settings.network, {}, settings.task), settings, SingleProcess())
    files = PatchFiles([patches / "train.h5"])
    with pytest.raises(ProtoduneError, match=message):
        check_patches(run, files, files)


def test_patches_of_other_features_are_refused(store_file, tmp_path):
    write_patches(store_file, "induction", PatchSettings("crop", 32, 64, 8, task="regions"), tmp_path / "p.h5")
    settings = dataclasses.replace(
        SETTINGS, task="regions", network="dnnroi", network_settings={"width": 2}, family="induction"
    )
    run = Run(build_network("dnnroi", {"width": 2}, "regions"), settings, SingleProcess())
    files = PatchFiles([tmp_path / "p.h5"])
    with pytest.raises(
        ProtoduneError, match="patches of features 'waveform', but dnnroi takes 'dnnroi'; give patches of the"
    ):
        check_patches(run, files, files)


def test_patches_of_two_detectors_only_if_asked_for(patches):
    run = Run(build_network("unet", {"widths": [4, 8]}, "denoise"), SETTINGS, SingleProcess())
    one, other = (PatchFiles([patches / "train.h5"]) for _ in range(2))
    other.detectors = ["another"]
    with pytest.raises(
        ProtoduneError, match="patches of the detectors another and protodune_sp, expected one; give samples"
    ):
        check_patches(run, one, other)
    run.settings = dataclasses.replace(SETTINGS, mixed_detectors=True)
    check_patches(run, one, other)
