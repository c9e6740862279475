"""Which room may import which: the whole matrix of the package, and the libraries that are kept to one room."""

import ast
from pathlib import Path

import pytest

from helpers import REPOSITORY

PACKAGE = REPOSITORY / "workflow" / "protodune"
MODULES = sorted(PACKAGE.rglob("*.py"))
BASE = ("core", "detector", "events")
ROOMS = {
    "core": (),
    "detector": ("core",),
    "events": ("core", "detector"),
    "rawio": BASE,
    "classical": BASE,
    "simulation": BASE,
    "tasks": BASE,
    "learning": (*BASE, "classical", "tasks"),
    "campaign": (*BASE, "rawio", "classical", "tasks", "learning"),
    "measure": (*BASE, "classical", "tasks"),
    "publish": (*BASE, "tasks", "measure"),
    "launch": ("core", "learning", "measure"),
    "dag": ("core",),
    "stages": (*BASE, "rawio", "classical", "simulation", "tasks", "learning", "campaign", "measure", "publish", "launch"),
}
"""The rooms that each room may import, besides itself."""
FRONT = {"cli.py": ("core", "detector", "rawio", "stages"), "__main__.py": ("cli",), "__init__.py": ("campaign",)}
"""What the modules beside the rooms may import."""
LIBRARIES = {
    "uproot": ("rawio/",),
    "awkward": ("rawio/",),
    "fsspec": ("rawio/remote.py",),
    "horovod": ("learning/backends.py",),
    "torch": ("learning/",),
    "torch_geometric": ("learning/networks/",),
    "onnxruntime": ("learning/",),
    "openvino": ("learning/runtimes/",),
    "optuna": ("learning/",),
    "matplotlib": ("publish/figures/",),
    "bokeh": ("publish/page/",),
    "snakemake": (),
    "h5py": ("core/hdf5.py", "events/", "rawio/", "learning/", "publish/manifest.py"),
    "yaml": ("core/", "dag/"),
    "jsonschema": ("dag/",),
}
"""Where each library may be imported."""


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0]


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names if node.module == "protodune"}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_room_may(path):
    here, room = path.relative_to(PACKAGE).as_posix(), room_of(path)
    allowed = FRONT[room] if room in FRONT else (*ROOMS[room], room)
    names = imported(path)
    for library, places in LIBRARIES.items():
        if any(n.split(".")[0] == library for n in names):
            assert here.startswith(places or ("nowhere",)), f"{here} imports {library}"
    rooms = {n.split(".")[1] for n in names if n.startswith("protodune.")}
    assert rooms <= {*allowed, "__version__"}, f"{here} imports {sorted(rooms - {*allowed})}"


def test_every_room_is_in_the_matrix_and_nothing_lies_beside_them():
    entries = {p.name for p in PACKAGE.iterdir() if p.name != "__pycache__"}
    assert entries == {*ROOMS, *FRONT}


def test_the_order_of_the_rooms_has_no_way_back():
    order = list(ROOMS)
    for room, others in ROOMS.items():
        assert all(order.index(other) < order.index(room) for other in others), room


def test_stages_compute_nothing_of_their_own():
    """A stage is a command line and a call: arrays and networks belong to the rooms."""
    for path in (PACKAGE / "stages").rglob("*.py"):
        libraries = {n.split(".")[0] for n in imported(path)}
        assert not libraries & {"numpy", "scipy", "torch", "h5py", "matplotlib", "optuna", "bokeh"}, path


EDGES = ("distributions.py",)
"""Modules with bins of charge, one of which begins at 6000 ADC tick."""


@pytest.mark.parametrize("path", [p for p in MODULES if room_of(p) != "detector"], ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_the_detector_knows_its_numbers(path):
    """Channels, readout length and digits of ProtoDUNE-SP, and which plane collects, are asked of the detector."""
    numbers, planes = {960, 2560, 15360, 4095, 6000}, {"U", "V", "X"}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant):
            assert type(node.value) is not int or node.value not in numbers or path.name in EDGES, f"line {node.lineno}"
        if isinstance(node, ast.Compare):
            compared = {c.value for c in (node.left, *node.comparators) if isinstance(c, ast.Constant)}
            assert not compared & planes, f"line {node.lineno}"
