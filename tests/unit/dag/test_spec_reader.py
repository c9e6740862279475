"""What modules say of themselves, read from their source; the objects themselves say the same."""

import sys

import pytest

from protodune.core.registry import names
from protodune.dag.model_check import CLASSICAL_STEPS, NETWORKS, features_of, network_spec
from protodune.dag.spec_reader import (
    SPEC_CLASSES,
    fields,
    missing_fields,
    module_source,
    name_problem,
    read_constant,
    read_spec,
    settings_problems,
    tree,
)
from protodune.detector.registry import detector_names, find_detector
from protodune.learning.network import find_network
from protodune.measure.spec import find_measure, measure_names
from protodune.tasks.spec import find_task, task_names

MODULE = """
from somewhere import Spec, build

SIZE, OTHER = 32, (1, 2)


class Settings:
    width: int = SIZE
    mask: str = "local"
    sizes: tuple[int, ...] = (1, 2)
    needed: float


SPEC = Spec(build=build, window=(SIZE, None), serves={"a": ("x",)}, nested=Other("n", k=-1))
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    for cached in (module_source, tree, read_constant, fields):
        cached.cache_clear()
    yield "mine.py"
    sys.modules.pop("mine", None)


def test_literals_constants_calls_and_names(module, monkeypatch):
    found = read_constant("mine", "SPEC")
    assert found["window"] == (32, None)
    assert found["serves"] == {"a": ("x",)}
    assert found["nested"] == {"_call": "Other", "_args": ["n"], "k": -1}
    assert found["build"] == "build"
    assert read_constant("mine", "NOTHING") is None


def test_settings_are_checked_against_their_dataclass(module):
    assert fields("mine", "Settings")["width"] == ("int", 32)
    problems = settings_problems("mine", "Settings", {"width": "wide", "sizes": 3, "widht": 1, "mask": "x"}, "here")
    assert [p.split(":")[0] for p in problems] == ["here.width", "here.sizes", "here.widht"]
    assert "did you mean 'width'" in problems[2]


def test_what_a_spec_lacks_is_named():
    spec = {k: v for k, v in network_spec("unet").items() if k != "window"}
    assert missing_fields(spec, "protodune.learning.network", "NetworkSpec") == ["window"]
    assert missing_fields(network_spec("unet"), "protodune.learning.network", "NetworkSpec") == []


def test_a_name_that_is_not_there():
    assert "network 'unett' is unknown (did you mean 'unet'?)" in name_problem(NETWORKS, "unett", "SPEC", "network")
    assert "has no SPEC" in name_problem(NETWORKS, "protodune.core.errors", "SPEC", "network")
    assert name_problem(NETWORKS, "unet", "SPEC", "network") == ""


def test_every_thing_that_comes_along_has_all_parts():
    things = [(f"protodune.{package}", attribute) for package, attribute in (
        ("learning.networks", "SPEC"), ("learning.features", "FEATURES"), ("tasks.known", "TASK"),
        ("measure.known", "MEASURE"), ("publish.figures.known", "FIGURE"), ("classical.steps", "STEP"),
        ("learning.derived", "DERIVATION"),
    )]  # fmt: skip
    assert {attribute for _, attribute in things} == set(SPEC_CLASSES)
    for package, attribute in things:
        for name in names(package):
            assert name_problem(package, name, attribute, "thing") == ""
            assert read_spec(package, name, attribute)["_call"] == SPEC_CLASSES[attribute].split(".")[-1], name


@pytest.mark.parametrize("name", names(NETWORKS))
def test_the_plan_reads_of_a_network_what_it_is(name):
    spec = find_network(name)
    assert features_of(name) == spec.features
    assert network_spec(name)["serves"] == dict(spec.serves)
    assert fields(f"{NETWORKS}.{name}", spec.settings.__name__).keys() == spec.settings.__dataclass_fields__.keys()


@pytest.mark.parametrize("name", task_names())
def test_the_plan_reads_of_a_task_what_it_is(name):
    task, read = find_task(name), read_spec("protodune.tasks.known", name, "TASK")
    assert tuple(read["measures"]) == task.measures
    assert list(read["labels"]) == list(task.labels)
    for output, loss in task.losses.items():
        assert tuple(read["losses"][output]["_args"][0]) == loss.choices
    assert [o["_args"][0] for o in read["outputs"]] == [o.name for o in task.outputs]


@pytest.mark.parametrize("name", measure_names())
def test_the_plan_reads_of_a_measure_what_it_is(name):
    assert read_spec("protodune.measure.known", name, "MEASURE")["level"] == find_measure(name).level


@pytest.mark.parametrize("name", detector_names())
def test_the_plan_reads_of_a_detector_what_it_is(name):
    detector = find_detector(name)
    module = f"protodune.detector.known.{name}"
    planes = read_constant(module, "FAMILY_PLANES")
    assert {family: tuple(detector.family_planes(family)) for family in planes} == planes
    assert read_constant(module, "N_UNITS") == len(detector.units)


def test_every_classical_step_can_be_read():
    for name in names(CLASSICAL_STEPS):
        assert name_problem(CLASSICAL_STEPS, name, "STEP", "classical step") == ""


def test_settings_may_be_imported_by_the_module_of_a_spec(module, tmp_path):
    (tmp_path / "other.py").write_text("from mine import Settings\n\nSPEC = Spec(settings=Settings)\n")
    assert settings_problems("other", "Settings", {"widht": 3, "width": 2}, "here") == [
        "here.widht: unknown setting (did you mean 'width'?); known: width, mask, sizes, needed"
    ]
