"""Runtime and precision of inference: chosen by machine and network, and said."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from helpers import REPOSITORY
from protodune.core.errors import ProtoduneError
from protodune.core.files import int8_path
from protodune.core.settings import load_schema
from protodune.learning import choice
from protodune.learning.choice import ORDER, PRECISIONS, RUNTIMES, choose, plane_with_track, problem_with
from protodune.learning.inference import fold_norms, infer_plane
from protodune.learning.network import build_network
from protodune.learning.runtime import ABOUT, Executor, Model, find_runtime, int8_about, onnx_file
from protodune.learning.runtimes.torch import executor as torch_executor
from protodune.learning.weights import load_weights

UNET = REPOSITORY / "zoo" / "unet.collection.safetensors"


@pytest.fixture
def bfloat16(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True}, raising=False)


@pytest.fixture
def no_bfloat16(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False}, raising=False)


@pytest.fixture
def small():
    torch.manual_seed(1)
    return build_network("unet", {"widths": [4, 8]}, "denoise")


def model(path=UNET) -> Model:
    network, _ = load_weights(path)
    fold_norms(network.module)
    return Model(network, str(path))


@pytest.mark.parametrize("path", sorted((REPOSITORY / "zoo").glob("*.safetensors")), ids=lambda p: p.stem)
def test_shipped_weights_are_used_as_fast_as_can_be(path, bfloat16):
    chosen = choose(model(path))
    wanted = "int8" if int8_path(path).is_file() else "bfloat16"
    assert (chosen.runtime, chosen.precision) == ("openvino", wanted), chosen.because
    assert chosen.about()["runtime"] == {"wanted": "auto", "used": "openvino"}


@pytest.mark.parametrize(("runtime", "precision"), [(r, p) for r, p in ORDER if p != "float16"])
def test_every_runtime_gives_the_same(runtime, precision):
    unet = model()
    chosen = choose(unet, runtime, precision)
    assert (chosen.runtime, chosen.precision) == (runtime, precision)
    plane = np.tile(plane_with_track(unet.network), (1, 1, 2))[..., :-5]
    full, found = (infer_plane(unet.network, plane, e, memory_mb=20)["denoised"] for e in (None, chosen.executor))
    scale = np.sqrt(np.mean(full**2))
    bound = {"float32": 1e-5, "bfloat16": 0.02, "int8": 0.05}[precision]
    assert np.sqrt(np.mean((found - full) ** 2)) < bound * scale


def test_a_machine_without_half_precision(no_bfloat16, small):
    chosen = choose(Model(small), precision="auto", runtime="torch")
    assert chosen.precision == "float32"
    assert "not torch in bfloat16: this processor has no arithmetic in it" in chosen.because
    assert choose(Model(small), "torch", "bfloat16").precision == "bfloat16", "who asks for it gets it"


def test_a_network_that_a_runtime_changes_is_not_used_so(bfloat16, monkeypatch, small):
    plain = torch_executor(Model(small), "float32")
    for change, message in (
        (lambda y: torch.cat([1.2 * y[:, :1], y[:, 1:]], 1), "'denoised' differs by 20."),
        (
            lambda y: torch.cat([y[:, :1], -3 - y[:, 1:]], 1),
            "of the scores 'regions' change by more than 0.1, expected at most",
        ),
        (lambda y: y * torch.nan, "'denoised' holds NaN or infinity"),
    ):
        worse = Executor(lambda x, change=change: change(plain.call(x)), plain.bytes_per_pixel)
        for precision in ("bfloat16", "int8"):
            assert message in problem_with(small, worse, precision)
        monkeypatch.setattr(choice, "find_runtime", lambda name, w=worse: replace(find_runtime(name), load=lambda *_: w))
        chosen = choose(Model(small), "auto")
        assert (chosen.runtime, chosen.precision) == ("torch", "float32")
        assert message in chosen.because


def test_rounding_must_not_decide():
    chosen = choose(Model(build_network("gcnn", {"width": 2}, "denoise")))
    assert (chosen.runtime, chosen.precision) == ("torch", "float32")
    assert "rounding would decide what the network does" in chosen.because


def test_a_runtime_that_is_not_installed(monkeypatch):
    gone = replace(find_runtime("openvino"), missing=lambda: "openvino is not installed (pip install openvino)")
    monkeypatch.setattr(choice, "find_runtime", lambda name: gone if name == "openvino" else find_runtime(name))
    chosen = choose(model())
    assert (chosen.runtime, chosen.precision) == ("onnxruntime", "int8")
    assert "not openvino in int8: openvino is not installed (pip install openvino)" in chosen.because
    with pytest.raises(ProtoduneError, match=r"runtime openvino and precision float32 cannot be had: .* not installed"):
        choose(model(), "openvino", "float32")


def test_a_runtime_that_fails_is_passed_over(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file where a folder is needed")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    chosen = choose(model(), precision="float32")
    assert chosen.runtime == "openvino"
    gone = replace(find_runtime("openvino"), missing=lambda: "openvino is not installed (pip install openvino)")
    monkeypatch.setattr(choice, "find_runtime", lambda name: gone if name == "openvino" else find_runtime(name))
    chosen = choose(model(), precision="float32")
    assert chosen.runtime == "torch"
    assert "not onnxruntime in float32: it failed: [Errno" in chosen.because
    with pytest.raises(
        ProtoduneError, match=r"runtime onnxruntime and precision float32 cannot be had: .* it failed: \[Errno"
    ):
        choose(model(), "onnxruntime", "float32")


def test_a_damaged_file_of_the_cache_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kept = onnx_file(model())
    kept.write_bytes(b"no network")
    with pytest.raises(ProtoduneError, match=r"not onnxruntime in float32: it failed: .*\.onnx"):
        choose(model(), "onnxruntime", "float32")


def test_nobody_is_told_which_networks_are_used(monkeypatch):
    from openvino_telemetry.utils.sender import TelemetrySender

    monkeypatch.setenv("CI", "")  # where it is set nothing is sent anyway
    sent = []
    monkeypatch.setattr(TelemetrySender, "send", lambda *message: sent.append(message))
    for precision in ("float32", "int8"):
        assert choose(model(), "openvino", precision).runtime == "openvino"
    assert not sent


def copied(tmp_path, change):
    weights = tmp_path / "unet.collection.safetensors"
    weights.write_bytes(UNET.read_bytes())
    file = onnx.load(str(int8_path(UNET)))
    about = json.loads(file.metadata_props[0].value)
    change(about)
    onnx.helper.set_model_props(file, {ABOUT: json.dumps(about)})
    onnx.save(file, str(int8_path(weights)))
    return model(weights)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.update(weights_sha256="0"), "made from other weights than"),
        (lambda a: a.update(problem="INT8 is too far from float32: mse_change +9 %"), "too far from float32: mse_change"),
        (lambda a: a.pop("problem"), "not an INT8 network of protodune"),
    ],
)
def test_an_int8_file_that_does_not_fit_is_refused(tmp_path, change, words):
    wrong = copied(tmp_path, change)
    with pytest.raises(ProtoduneError, match=words):
        choose(wrong, precision="int8")
    chosen = choose(wrong)
    assert chosen.precision != "int8"
    assert words in chosen.because


def test_a_damaged_int8_file_is_refused(tmp_path):
    weights = tmp_path / "unet.collection.safetensors"
    weights.write_bytes(UNET.read_bytes())
    int8_path(weights).write_bytes(int8_path(UNET).read_bytes()[:1000])
    with pytest.raises(ProtoduneError, match="not an INT8 network of protodune; make it again"):
        int8_about(model(weights))


@pytest.mark.parametrize("path", sorted((REPOSITORY / "zoo").glob("*.int8.onnx")), ids=lambda p: p.stem)
def test_shipped_int8_files_are_within_their_bounds(path):
    about = int8_about(Model(None, str(path).replace(".int8.onnx", ".safetensors")))
    assert abs(about["figures"]["mse_change"]) < 0.01
    assert abs(about["figures"]["charge_change"]) < 0.002
    assert len(about["calibration"]) == 4
    assert not set(about["calibration"]) & set(about["check"])


def test_choices_are_those_of_the_configuration():
    properties = load_schema("config")["properties"]["models"]["additionalProperties"]["properties"]
    assert set(properties["precision"]["enum"]) == set(PRECISIONS)
    assert set(properties["runtime"]["enum"]) == set(RUNTIMES)
    with pytest.raises(
        ProtoduneError, match=r"precision 'bfloat61' \(did you mean 'bfloat16'\?\), expected auto \| float32"
    ):
        choose(None, "auto", "bfloat61")
    with pytest.raises(ProtoduneError, match=r"runtime 'openvin' \(did you mean 'openvino'\?\)"):
        choose(None, "openvin")
