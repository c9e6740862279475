import json

import numpy as np
import pytest
import torch

from helpers import DATA
from protodune.core.errors import ProtoduneError
from protodune.core.registry import names
from protodune.learning.network import build_network, count_parameters
from protodune.learning.networks.gcnn import GcnnSettings, GraphMixing, nearest

SMALL = {
    "unet": {"widths": [4, 8]}, "cnn": {"width": 1}, "gcnn": {"width": 2}, "uscg": {}, "dnnroi": {"width": 2},
}  # fmt: skip
NETWORKS = names("protodune.learning.networks")


def module(name, settings, task="denoise"):
    return build_network(name, settings, task).module


def test_parameter_counts():
    assert count_parameters(module("cnn", {"width": 32})) == 6_957_652
    assert count_parameters(module("cnn", {"width": 4})) == 124_504
    assert count_parameters(module("gcnn", {"width": 32})) == 3_239_500
    assert count_parameters(module("gcnn", {"width": 4})) == 58_728
    assert count_parameters(module("uscg", {})) == 34_661_750
    assert count_parameters(module("dnnroi", {}, "regions")) == 13_395_329
    assert count_parameters(module("unet", {})) == 355_932


@pytest.mark.parametrize(("name", "file"), [("cnn", "cnn_width32"), ("gcnn", "gcnn_width32"), ("uscg", "uscg_collection")])
def test_names_and_shapes_are_dunedns(name, file):
    wanted = json.loads((DATA / "dunedn_state_dict_shapes.json").read_text())[file]
    found = {key: list(tensor.shape) for key, tensor in module(name, {}).state_dict().items()}
    assert found == {key: shape for key, shape in wanted.items() if key not in ("aa", "bb")}


def dunedns_own(name, settings):
    data = np.load(DATA / f"dunedn_{name}_width4.npz")
    state = {k.removeprefix("state/"): torch.tensor(data[k]) for k in data.files if k.startswith("state/")}
    model = module(name, {"width": 4, **settings}).eval()
    unused = model.load_state_dict(state, strict=False)
    assert unused.missing_keys == []
    assert unused.unexpected_keys == ["aa", "bb"]  # two constants of DUNEdn's that its forward pass does not need
    with torch.inference_mode():
        x = torch.tensor(data["input"])
        return model(x).numpy() - data["denoised"], model.roi(x).numpy() - data["roi"]


def test_cnn_equals_dunedns_own_output():
    for difference in dunedns_own("cnn", {}):
        assert np.abs(difference).max() < 1e-4


def test_gcnn_equals_dunedns_own_output():
    # Where distances are nearly equal rounding chooses the neighbour, and a different neighbour changes the output: on the
    # kind of processor that made the data everything agrees, on others all but such pixels.
    denoised, roi = dunedns_own("gcnn", {"mask": "dunedn"})
    assert np.abs(roi).max() < 1e-4
    if torch.backends.cpu.get_cpu_capability() == "AVX512":
        assert np.abs(denoised).max() < 1e-4
    assert (np.abs(denoised) > 1e-4).mean() < 0.2
    assert np.abs(denoised).max() < 0.1


def test_gcnn_mask_leaves_out_the_pixels_around():
    torch.manual_seed(3)
    x = torch.randn(2, 5, 12, 9) * 10
    pixels = torch.arange(12 * 9)
    row, column = pixels // 9, pixels % 9
    flat = x.flatten(2).transpose(1, 2)
    distance = (flat[:, :, None] - flat[:, None]).square().sum(-1)
    close = ((row[:, None] - row).abs() <= 1) & ((column[:, None] - column).abs() <= 1)
    wanted = distance.masked_fill(close, torch.inf).argsort(-1)[..., :8]
    found = nearest(x, 8, "local")
    assert torch.equal(found.sort(-1).values, wanted.sort(-1).values)
    # With DUNEdn's mask and features that differ by more than 1 nearly all neighbours are the pixels around, and the first
    # is the pixel itself.
    theirs = nearest(x, 8, "dunedn")
    assert torch.equal(theirs[..., 0], pixels.expand(2, -1))
    assert close[pixels[:, None], theirs[0]].float().mean() > 0.8


def test_gcnn_graph_is_the_mean_difference():
    torch.manual_seed(4)
    x = torch.randn(2, 3, 8, 8)
    chosen = nearest(x, 5, "local")
    flat = x.flatten(2).transpose(1, 2)
    wanted = torch.stack([flat[b] - flat[b][chosen[b]].mean(1) for b in range(2)])
    assert torch.allclose(GraphMixing(GcnnSettings(neighbours=5)).graph(x), wanted, atol=1e-6)


def test_gcnn_needs_enough_pixels():
    with pytest.raises(ProtoduneError, match="4x4 has no 8 neighbours for each pixel, expected 8x8"):
        nearest(torch.zeros(1, 2, 4, 4), 8, "local")
    with pytest.raises(ProtoduneError, match="mask: found 'none', expected local or dunedn"):
        module("gcnn", {"mask": "none"})


def test_uscg_nodes_are_not_mixed_up():
    """A change of the features of one node reaches that node's row only."""
    torch.manual_seed(5)
    mixed, fixed = (module("uscg", {"dunedn": flag}).eval() for flag in (True, False))
    x = 5 * torch.randn(1, 2, 64, 96)
    with torch.inference_mode():
        for model in (mixed, fixed):
            assert torch.isfinite(model(x)).all()
        nodes = torch.arange(28 * 28 * 3.0).reshape(1, 3, 28, 28)
    seen = {}
    for name, model in (("mixed", mixed), ("fixed", fixed)):
        model.downsamples[2].forward = lambda *_: nodes.expand(1, 3, 28, 28).repeat(1, 342, 1, 1)[:, :1024]
        model.gcns[0].forward = lambda features, adjacency, name=name: seen.update({name: features}) or features[..., :128]
        with torch.inference_mode():
            model(x)
    channels = nodes.repeat(1, 342, 1, 1)[0, :1024]
    assert torch.equal(seen["fixed"][0, 5], channels[:, 0, 5])
    assert not torch.equal(seen["mixed"][0, 5], channels[:, 0, 5])


def test_uscg_graph_is_finite_without_a_diagonal():
    torch.manual_seed(6)
    for flag in (False, True):
        graph = module("uscg", {"dunedn": flag}).scg.eval()
        for layer in (graph.mu, graph.logvar):
            torch.nn.init.zeros_(layer[0].weight)
            torch.nn.init.zeros_(layer[0].bias)
        adjacency, residual, loss = graph(torch.zeros(1, 1024, 28, 28))
        finite = all(torch.isfinite(t).all() for t in (adjacency, residual, loss))
        assert finite is (not flag)


@pytest.mark.parametrize("task", ["denoise", "regions"])
@pytest.mark.parametrize("name", NETWORKS)
def test_shape_and_gradient(name, task):
    if (name, task) in (("dnnroi", "denoise"), ("unet", "regions")):
        with pytest.raises(ProtoduneError, match=f"network '{name}' does not serve the task '{task}', only"):
            build_network(name, {}, task)
        return
    torch.manual_seed(7)
    network = build_network(name, SMALL[name], task)
    rows, ticks = (-(-32 // step) * step for step in network.module.multiple)
    output = network.module(5 * torch.randn(2, len(network.features.names), rows, ticks))
    assert output.shape == (2, len(network.outputs), rows, ticks)
    assert output.dtype == torch.float32
    output.square().mean().backward()
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in network.module.parameters())


@pytest.mark.parametrize(("name", "task"), [("cnn", "regions"), ("unet", "denoise"), ("dnnroi", "regions")])
def test_no_pixel_reaches_beyond_the_reach(name, task):
    torch.manual_seed(1)
    network = build_network(name, SMALL[name], task)
    model = network.module.eval().double()
    for axis in (0, 1):
        size = [8 * model.multiple[0], 8 * model.multiple[1]]
        size[axis] = -(-(2 * model.reach[axis] + 40) // model.multiple[axis] + 2) * model.multiple[axis]
        x = torch.randn(1, len(network.features.names), *size, dtype=torch.float64)
        moved, middle = x.clone(), size[axis] // 2
        moved.select(2 + axis, middle)[:] += 50
        with torch.no_grad():
            touched = (model.double()(x) - model(moved)).abs()[0, -1].amax(1 - axis).nonzero().flatten()
        assert touched.min() >= middle - model.reach[axis]
        assert touched.max() <= middle + model.reach[axis]
        assert touched.max() > middle


def test_unknown_names_get_a_suggestion():
    with pytest.raises(ProtoduneError, match=r"'unit' is unknown \(did you mean 'unet'\?\)"):
        module("unit", {})
    with pytest.raises(ProtoduneError, match=r"network_settings of unet.width: unknown setting \(did you mean 'widths'\?\)"):
        module("unet", {"width": [1]})
