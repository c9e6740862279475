import json
import pickle

import numpy as np
import pytest
import torch

from helpers import DATA
from protodune.core.errors import ProtoduneError
from protodune.learning.dunedn_weights import import_weights
from protodune.learning.weights import load_weights
from protodune.stages.learn import import_weights as stage

SHAPES = json.loads((DATA / "dunedn_state_dict_shapes.json").read_text())


def state_of(file):
    """Random weights of exactly the naming and shapes of DUNEdn's checkpoints, running variances positive."""
    generator = torch.Generator().manual_seed(1)
    return {
        name: torch.zeros((), dtype=torch.long)
        if name.endswith("num_batches_tracked")
        else torch.rand(shape, generator=generator) * (1 if "running_var" in name else 0.02) + ("running_var" in name)
        for name, shape in SHAPES[file].items()
    }


@pytest.mark.parametrize(
    ("file", "name", "settings"),
    [
        ("cnn_width32", "cnn", {"width": 32}),
        ("gcnn_width32", "gcnn", {"width": 32, "mask": "dunedn"}),
        ("uscg_collection", "uscg", {"dunedn": True}),
    ],
)
def test_published_naming_and_shapes(file, name, settings, tmp_path):
    state = state_of(file)
    torch.save(state, tmp_path / "published.pth")
    found = import_weights(tmp_path / "published.pth")
    assert (found.network.name, found.settings) == (name, settings)
    for key, tensor in found.network.module.state_dict().items():
        assert torch.equal(tensor, state[key])
    assert not found.network.module.training


def width4():
    data = np.load(DATA / "dunedn_cnn_width4.npz")
    return data, {k.removeprefix("state/"): torch.tensor(data[k]) for k in data.files if k.startswith("state/")}


def test_stage_writes_weights_that_infer_takes(tmp_path):
    data, state = width4()
    torch.save({f"module.{k}": v for k, v in state.items()}, tmp_path / "w.pth")  # as data parallel training saves them
    output = tmp_path / "w.safetensors"
    arguments = ["--source", str(tmp_path / "w.pth"), "--family", "collection", "--output", str(output)]
    assert stage.main(arguments) == 0
    network, about = load_weights(output, {"task": "denoise", "family": "collection"})
    assert about["model"] == "dunedn_cnn"
    assert len(about["imported"]["sha256"]) == 64
    with torch.inference_mode():
        assert np.abs(network.module(torch.tensor(data["input"])).numpy() - data["denoised"]).max() < 1e-4


def test_wrapped_state_dict(tmp_path):
    torch.save({"epoch": 3, "state_dict": width4()[1]}, tmp_path / "w.pth")
    assert import_weights(tmp_path / "w.pth").settings == {"width": 4}


class Evil:
    def __reduce__(self):
        return (open, ("/tmp/never", "w"))


def test_nothing_is_executed(tmp_path):
    for content in (pickle.dumps({"aa": Evil()}), pickle.dumps(Evil())):
        (tmp_path / "evil.pth").write_bytes(content)
        with pytest.raises(ProtoduneError, match="cannot be read as weights"):
            import_weights(tmp_path / "evil.pth")
    torch.save({"aa": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(ProtoduneError, match="cannot be read as weights"):
        import_weights(tmp_path / "evil.pth")


def test_bad_files(tmp_path, capsys):
    path = tmp_path / "w.pth"
    with pytest.raises(ProtoduneError, match=r"found nothing, expected a \.pth file"):
        import_weights(path)
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 27902692\n")
    with pytest.raises(ProtoduneError, match="a Git LFS pointer, not the weights"):
        import_weights(path)
    state = width4()[1]
    torch.save(state, path)
    whole = path.read_bytes()
    for content in (b"", b"nothing at all", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ProtoduneError, match="cannot be read as weights"):
            import_weights(path)
    for content, message in [
        ([1, 2], "found list that is no state dict"),
        ({"a": 1}, "found dict that is no state dict"),
        ({"layer.weight": torch.ones(2)}, "found tensors such as 'layer.weight'; expected a state dict as DUNEdn v2"),
        ({k: v for k, v in state.items() if k != "hpf.conv.0.bias"}, "looks like cnn but lacks 'hpf.conv.0.bias'"),
        ({**state, "more": torch.ones(1)}, "looks like cnn but has unknown 'more'"),
        ({**state, "hpf.conv.0.bias": torch.ones(3)}, "has another shape of 'hpf.conv.0.bias'"),
        ({**state, "hpf.conv.0.bias": state["hpf.conv.0.bias"] * float("nan")}, "'hpf.conv.0.bias' holds NaN"),
    ]:
        torch.save(content, path)
        with pytest.raises(ProtoduneError, match=message):
            import_weights(path)
    assert stage.main(["--source", str(path), "--family", "induction", "--output", str(tmp_path / "o.safetensors")]) == 1
    assert capsys.readouterr().err.startswith("import_weights: error: ")
    assert not (tmp_path / "o.safetensors").exists()
