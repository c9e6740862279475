import dataclasses

import numpy as np
import pytest
import torch

from protodune.core.errors import ProtoduneError
from protodune.learning.inference import fold_norms, infer_plane, plan_pieces
from protodune.learning.network import build_network
from protodune.learning.runtime import Model
from protodune.learning.runtimes.torch import executor as torch_executor

NETWORKS = [("unet", {"widths": [4, 8, 16]}), ("cnn", {"width": 1})]


@pytest.fixture
def features(rng):
    return (5 * rng.standard_normal((2, 50, 901))).astype(np.float32)  # sizes that fit no stride


def small(name, network, task="denoise"):
    torch.manual_seed(2)
    found = build_network(name, network, task)
    found.module.eval()
    return found


def windowed(network, window, overlap):
    return dataclasses.replace(network, spec=dataclasses.replace(network.spec, window=window, overlap=overlap))


def memory_for(model, pixels):
    return pixels * model.module.bytes_per_pixel["float32"] / 1e6


@pytest.mark.parametrize(("name", "network"), NETWORKS)
def test_strips_leave_no_seams(name, network, features):
    model = small(name, network)
    whole = infer_plane(model, features)["denoised"]
    assert whole.shape == (50, 901)
    for pixels in (2_000, 15_000, 20_000):  # ever other places of the cuts
        pieces = plan_pieces(model, (56, 928), pixels)
        assert len(pieces) > 1
        assert np.allclose(infer_plane(model, features, memory_mb=memory_for(model, pixels))["denoised"], whole, atol=1e-4)


def test_windows_cover_the_plane_and_go_in_batches(features):
    model = windowed(small("cnn", {"width": 1}), (32, 32), (0, 0))
    one, many = infer_plane(model, features, memory_mb=0), infer_plane(model, features)
    assert len(plan_pieces(model, (50, 901), 1)) == 2 * 29
    assert len(plan_pieces(model, (50, 901), 10 * 1024)) == 6
    assert np.allclose(one["denoised"], many["denoised"], atol=1e-4)
    with torch.inference_mode():
        first = model.module(torch.from_numpy(features[None, :, :32, :32]))[0, 0].numpy()
    assert np.allclose(many["denoised"][:25, :31], first[:25, :31], atol=1e-4)


def test_uscg_windows_keep_what_went_in(features):
    """DUNEdn's inference halves the middle of a plane; a network that gives back its input must keep it."""
    model = windowed(small("uscg", {}), (None, 200), (0, 100))
    model.module.forward = lambda x: x[:, :1]
    assert np.array_equal(infer_plane(model, features)["denoised"], features[0])


@pytest.mark.parametrize("shape", [(960, 6000), (800, 6000), (31, 50), (1, 1)])
def test_any_plane_size(shape):
    model = small("unet", {"widths": [2, 4]})
    product = infer_plane(model, np.zeros((2, *shape), np.float32))
    assert product["denoised"].shape == product["regions"].shape == shape
    assert ((product["regions"] >= 0) & (product["regions"] <= 1)).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_input_that_is_not_finite_is_refused(value, features):
    features[0, 3, 7] = value
    with pytest.raises(ProtoduneError, match="the input holds NaN or infinity"):
        infer_plane(small(*NETWORKS[0]), features)
    with pytest.raises(ProtoduneError, match=r"shape \(50, 901\), expected \(2, channels, ticks\)"):
        infer_plane(small(*NETWORKS[0]), features[0])


@pytest.mark.parametrize(("name", "network"), [*NETWORKS, ("gcnn", {"width": 1})])
def test_constant_input_gives_finite_output(name, network):
    model = small(name, network)
    for value in (0, 4000):
        assert np.isfinite(infer_plane(model, np.full((2, 64, 64), value, np.float32))["denoised"]).all()


class Small(torch.nn.Module):
    """A device that has room for so many pixels."""

    def __init__(self, model, room, error):
        super().__init__()
        self.model, self.room, self.error, self.asked = model, room, error, []
        for name in ("multiple", "reach", "bytes_per_pixel"):
            setattr(self, name, getattr(model, name))

    @classmethod
    def of(cls, network, room, error):
        return dataclasses.replace(network, module=cls(network.module, room, error))

    def forward(self, x):
        self.asked.append(x[:, 0].numel())
        if self.asked[-1] > self.room:
            raise self.error
        return self.model(x)


@pytest.mark.parametrize(
    "error", [torch.cuda.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_out_of_memory_halves_and_goes_on(error, features, caplog):
    model = small(*NETWORKS[0])
    whole = infer_plane(model, features)["denoised"]
    device = Small.of(model, 30_000, error)
    assert np.allclose(infer_plane(device, features)["denoised"], whole, atol=1e-4)
    assert device.module.asked[0] > 30_000 >= device.module.asked[-1]
    assert "ran out of memory with" in caplog.text
    with pytest.raises(ProtoduneError, match=r"has no memory for \d+ pixels, the fewest that this network takes"):
        infer_plane(Small.of(model, 10, error), features)


def test_other_errors_are_not_hidden(features):
    with pytest.raises(RuntimeError, match="something else"):
        infer_plane(Small.of(small(*NETWORKS[0]), 10, RuntimeError("something else")), features)


@pytest.mark.parametrize(("name", "network"), [*NETWORKS, ("uscg", {})])
def test_folded_norms_compute_the_same(name, network, features):
    model = small(name, network)
    for norm in (m for m in model.module.modules() if isinstance(m, torch.nn.BatchNorm2d)):
        torch.nn.init.uniform_(norm.running_mean, -1, 1)
        torch.nn.init.uniform_(norm.running_var, 0.5, 2)
        torch.nn.init.uniform_(norm.weight, 0.5, 2)
    before = infer_plane(model, features)["denoised"]
    norms = sum(isinstance(m, torch.nn.BatchNorm2d) for m in model.module.modules())
    fold_norms(model.module)
    left = sum(isinstance(m, torch.nn.BatchNorm2d) for m in model.module.modules())
    assert left == 0 if name == "uscg" else left < norms
    assert np.allclose(infer_plane(model, features)["denoised"], before, rtol=1e-3, atol=1e-3 * np.abs(before).max())


def test_a_network_that_gives_half_precision_infers(features):
    """Under autocast a network gives bfloat16 unless it casts itself, which those of the package do."""
    model = small("unet", {"widths": [4, 8, 16]})
    layer = torch.nn.Conv2d(2, 2, 3, padding=1)
    model.module.forward = lambda x: layer(x)
    found = infer_plane(model, features, torch_executor(Model(model), "bfloat16"))["denoised"]
    assert found.dtype == np.float32
    assert np.allclose(found, infer_plane(model, features)["denoised"], rtol=0.05, atol=0.2)
