"""Who may import whom: the walls between the rooms of the package."""

import ast
from pathlib import Path

import pytest

from helpers import REPOSITORY

PACKAGE = REPOSITORY / "workflow" / "protodune"
MODULES = sorted(PACKAGE.rglob("*.py"))
ALLOWED = {
    "uproot": ("rawio",),
    "awkward": ("rawio",),
    "horovod": ("training/distributed.py", "launch/rendezvous.py"),
    "torch": (
        "launch/rendezvous.py",
        "models",
        "training",
        "inference.py",
        "stages/train.py",
        "stages/time_forward.py",
        "stages/time_steps.py",
        "stages/infer_network.py",
        "stages/export_model.py",
    ),
    "matplotlib": ("figures",),
    "snakemake": (),
}


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_room_may(path):
    here = path.relative_to(PACKAGE).as_posix()
    names = imported(path)
    for library, rooms in ALLOWED.items():
        if any(n.split(".")[0] == library for n in names):
            assert here.startswith(rooms), f"{here} imports {library}"
    ours = {n for n in names if n.startswith("protodune.")}
    if here in ("errors.py", "geometry.py"):
        assert not ours
    if here.startswith("dag/"):
        assert all(n.startswith("protodune.dag") or n == "protodune.core.errors" for n in ours)
        assert not names & {"numpy", "h5py", "torch"}
    if not here.startswith(("stages/", "cli.py")):
        assert not any(n.startswith("protodune.stages") for n in ours), f"{here} imports a stage"
