"""Things that are found by name: one module per thing, imported when it is asked for.

A name without a dot is a module of one of our packages; one with dots is a module of the user's own, on PYTHONPATH.  So a
new detector, task, network, measure or figure is a new file, and what does not use it does not even import it.
"""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import TypeVar

from protodune.core.errors import ProtoduneError, suggest

T = TypeVar("T")


def module_name(package: str, name: str) -> str:
    """Return the module that a name stands for: ``package.name``, or the name itself if it has dots."""
    return name if "." in name else f"{package}.{name}"


def names(package: str) -> list[str]:
    """Return the names that come with a package: its modules, sorted."""
    folder = Path(__file__).resolve().parents[2].joinpath(*package.split("."))
    return sorted(p.stem for p in folder.glob("*.py") if not p.stem.startswith("_"))


@cache
def load(package: str, name: str, attribute: str, kind: type[T], what: str) -> T:
    """Return ``attribute`` of the module that ``name`` stands for; ``kind``: its class, ``what``: the word for messages."""
    module = module_name(package, name)
    try:
        there = importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        there = False
    if not there:
        known = names(package)
        close = suggest(name, known) if "." not in name else ""
        raise ProtoduneError(
            f"{what} '{name}' is unknown{close}; known: {', '.join(known)}, or package.module of your own on PYTHONPATH"
        )
    found = getattr(importlib.import_module(module), attribute, None)
    if not isinstance(found, kind):
        raise ProtoduneError(
            f"{what} '{name}': module {module} has {'no' if found is None else 'another'} {attribute}, expected one "
            f"{kind.__name__}; see docs/extending.md"
        )
    return found
