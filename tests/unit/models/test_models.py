import numpy as np
import pytest
import torch

from helpers import DATA
from protodune.errors import ProtoduneError
from protodune.models.registry import ARCHITECTURES, build_model, count_parameters


def test_parameter_counts():
    assert count_parameters(build_model("cnn", {"width": 32})) == 6_957_652
    assert count_parameters(build_model("cnn", {"width": 4})) == 124_504
    assert count_parameters(build_model("unet", {})) == 485_180


def test_cnn_equals_dunedns_own_output():
    data = np.load(DATA / "dunedn_cnn_width4.npz")
    state = {k.removeprefix("state/"): torch.tensor(data[k]) for k in data.files if k.startswith("state/")}
    model = build_model("cnn", {"width": 4}).eval()
    unused = model.load_state_dict(state, strict=False)
    assert unused.missing_keys == []
    assert unused.unexpected_keys == ["aa", "bb"]  # two constants of DUNEdn's that its forward pass does not need
    with torch.no_grad():
        x = torch.tensor(data["input"])
        assert np.allclose(model(x).numpy(), data["denoised"], atol=1e-4)
        assert np.allclose(model.roi(x).numpy(), data["roi"], atol=1e-4)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_shape_and_multiples(name):
    model = build_model(name, {"unet": {"widths": [8, 16, 24]}, "cnn": {"width": 2}}[name]).eval()
    rows, ticks = (3 * step for step in model.multiple)
    with torch.no_grad():
        assert model(torch.zeros(2, 2, rows, ticks)).shape == (2, len(model.outputs), rows, ticks)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_no_pixel_reaches_beyond_the_reach(name):
    torch.manual_seed(1)
    model = build_model(name, {"unet": {"widths": [4, 8]}, "cnn": {"width": 1}}[name]).eval().double()
    for axis in (0, 1):
        size = [8 * model.multiple[0], 8 * model.multiple[1]]
        size[axis] = -(-(2 * model.reach[axis] + 40) // model.multiple[axis] + 2) * model.multiple[axis]
        x = torch.randn(1, 2, *size, dtype=torch.float64)
        moved, middle = x.clone(), size[axis] // 2
        moved.select(2 + axis, middle)[:] += 50
        with torch.no_grad():
            touched = (model.double()(x) - model(moved)).abs()[0, 0].amax(1 - axis).nonzero().flatten()
        assert touched.min() >= middle - model.reach[axis]
        assert touched.max() <= middle + model.reach[axis]
        assert touched.max() > middle


def test_unknown_names_get_a_suggestion():
    with pytest.raises(ProtoduneError, match=r"'unit' is unknown \(did you mean 'unet'\?\)"):
        build_model("unit", {})
    with pytest.raises(ProtoduneError, match=r"model.unet.width: unknown setting \(did you mean 'widths'\?\)"):
        build_model("unet", {"width": [1]})
