import numpy as np
import pytest
import torch

from protodune import inference
from protodune.models.registry import build_model


@pytest.mark.parametrize(("name", "network"), [("unet", {"widths": [4, 8, 16]}), ("cnn", {"width": 1})])
def test_strips_leave_no_seams(name, network, monkeypatch, rng):
    torch.manual_seed(2)
    model = build_model(name, network).eval()
    features = (5 * rng.standard_normal((2, 50, 901))).astype(np.float32)  # sizes that fit no stride
    whole = inference.infer_plane(model, features).denoised
    for pixels in (2_000, 9_000):
        monkeypatch.setattr(inference, "STRIP_PIXELS", pixels)
        assert np.allclose(inference.infer_plane(model, features).denoised, whole, atol=1e-4)
    assert whole.shape == (50, 901)
