"""The contract of a network: what its SPEC and its module must have, and what is said if they do not."""

import sys
import types
from dataclasses import dataclass, replace

import pytest
import torch

from protodune.core.errors import ProtoduneError
from protodune.core.registry import names
from protodune.learning.network import NetworkSpec, build_network, find_network
from protodune.tasks.spec import find_task


@dataclass(frozen=True)
class Settings:
    width: int = 2


class Module(torch.nn.Module):
    multiple = (1, 1)
    reach = (0, 0)
    bytes_per_pixel = {"float32": 8, "bfloat16": 4}  # noqa: RUF012

    def __init__(self, settings, outputs):
        super().__init__()
        self.layer = torch.nn.Conv2d(2, sum(outputs.values()), 1)

    def forward(self, x):
        return self.layer(x)


WHOLE = {
    "build": Module, "settings": Settings, "features": "waveform", "serves": {"denoise": ("denoised",)}, "window": None,
    "rounding_decides": False,
}  # fmt: skip


@pytest.fixture
def registered(monkeypatch):
    """Puts a SPEC where ``find_network`` finds it."""
    count = iter(range(1000))

    def register(make):
        name = f"mine.network_{id(make)}_{next(count)}"
        module = types.ModuleType(name)
        module.SPEC = make() if callable(make) else make
        module.__spec__ = types.SimpleNamespace()
        monkeypatch.setitem(sys.modules, "mine", types.ModuleType("mine"))
        monkeypatch.setitem(sys.modules, name, module)
        return name

    return register


@pytest.mark.parametrize("part", [*WHOLE])
def test_a_spec_without_a_required_part_is_refused_before_anything_is_built(part, registered):
    name = registered(NetworkSpec(**{k: v for k, v in WHOLE.items() if k != part}))
    with pytest.raises(ProtoduneError, match=f"network '{name}': its SPEC has no {part}; see 'Add a network' in docs/ext"):
        find_network(name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window": (32, 32)}, "has a window but no overlap, expected both"),
        ({"serves": {}}, "serves is {}, expected outputs by task"),
        ({"settings": dict}, "expected a function or class and a dataclass"),
    ],
)
def test_a_spec_that_cannot_work_is_refused(changes, message, registered):
    with pytest.raises(ProtoduneError, match=message):
        find_network(registered(NetworkSpec(**{**WHOLE, **changes})))


@pytest.mark.parametrize("part", ["multiple", "reach", "bytes_per_pixel"])
def test_a_module_without_a_required_attribute_is_refused_when_it_is_built(part, registered):
    kept = {k: v for k, v in vars(Module).items() if k not in (part, "__dict__", "__weakref__")}
    name = registered(NetworkSpec(**{**WHOLE, "build": make_class(kept)}))
    with pytest.raises(ProtoduneError, match=f"the module that was built has no {part}"):
        build_network(name, {}, "denoise")


def make_class(members):
    def init(self, settings, outputs):
        torch.nn.Module.__init__(self)
        self.layer = torch.nn.Conv2d(2, sum(outputs.values()), 1)

    return type("Broken", (torch.nn.Module,), {**members, "__init__": init})


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("multiple", 4, r"multiple is 4, expected whole numbers for channels and time"),
        ("reach", (1.5, 2), r"reach is \(1.5, 2\), expected whole numbers"),
        ("bytes_per_pixel", {"float32": 3}, r"bytes_per_pixel has \['float32'\], expected float32 and bfloat16"),
    ],
)
def test_a_module_with_a_wrong_attribute_is_refused(attribute, value, message, registered):
    broken = make_class({k: v for k, v in vars(Module).items() if k not in ("__dict__", "__weakref__")} | {attribute: value})
    with pytest.raises(ProtoduneError, match=message):
        build_network(registered(NetworkSpec(**{**WHOLE, "build": broken})), {}, "denoise")


def test_a_network_that_gives_another_number_of_channels_is_told(registered):
    network = build_network(registered(NetworkSpec(**WHOLE)), {}, "denoise")
    with pytest.raises(ProtoduneError, match=r"gave 3 channels, expected 1 \(1 of denoised\)"):
        network.split(torch.zeros(1, 3, 4, 4))


def test_a_task_that_a_network_does_not_serve(registered):
    name = registered(NetworkSpec(**WHOLE))
    with pytest.raises(ProtoduneError, match=f"network '{name}' does not serve the task 'regions', only denoise; choose"):
        build_network(name, {}, "regions")
    with pytest.raises(ProtoduneError, match=r"task 'denoize' is unknown \(did you mean 'denoise'\?\)"):
        build_network(name, {}, "denoize")
    wrong = registered(NetworkSpec(**{**WHOLE, "serves": {"denoise": ("charge",)}}))
    with pytest.raises(ProtoduneError, match="makes 'charge' of the task 'denoise', which has labels of denoised, regions"):
        build_network(wrong, {}, "denoise")


def test_any_task_means_all_that_it_has_labels_of(registered):
    spec = NetworkSpec(**{**WHOLE, "serves": {"*": ()}})
    name = registered(spec)
    assert [o.name for o in build_network(name, {}, "denoise").outputs] == ["denoised", "regions"]
    assert [o.channels for o in build_network(name, {}, "plugins.pixel_task").outputs] == [3]
    chosen = registered(replace(spec, serves={"*": (), "denoise": ("regions",)}))
    assert [o.name for o in build_network(chosen, {}, "denoise").outputs] == ["regions"]


def test_every_network_that_comes_along_keeps_the_contract():
    for name in names("protodune.learning.networks"):
        spec = find_network(name)
        assert all(set(outputs) <= set(find_task(task).learned()) for task, outputs in spec.serves.items())


def test_an_unknown_keyword_of_a_spec_is_one_line(tmp_path, monkeypatch):
    text = "from protodune.learning.network import NetworkSpec\nSPEC = NetworkSpec(windows=None)\n"
    (tmp_path / "own_networks").mkdir()
    (tmp_path / "own_networks" / "mistyped.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ProtoduneError, match=r"module own_networks\.mistyped: .*unexpected keyword argument 'windows'"):
        find_network("own_networks.mistyped")
