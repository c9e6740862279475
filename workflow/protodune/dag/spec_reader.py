"""What a module says of itself, read from its source without importing it.

Networks, tasks, measures, figures and classical steps are modules that hold ``SPEC = NetworkSpec(...)``, ``TASK =
Task(...)`` and so on, with literal keywords.  The plan needs a few of those (what a network serves, what a task measures),
but must not import torch for them: Snakemake plans on login nodes.
"""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path
from typing import Any

from protodune.core.errors import shown, suggest
from protodune.core.registry import module_name, names

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "protodune"
SPEC_CLASSES = {
    "SPEC": "protodune.learning.network.NetworkSpec",
    "FEATURES": "protodune.learning.featureset.FeatureSet",
    "TASK": "protodune.tasks.spec.Task",
    "MEASURE": "protodune.measure.spec.Measure",
    "FIGURE": "protodune.publish.figures.spec.Figure",
    "STEP": "protodune.classical.step.Step",
    "DERIVATION": "protodune.learning.derivation.Derivation",
}
"""The class of what stands under a name in a module that is found by name."""
REQUIRED = object()
"""Stands for the default of a field that has none."""


class Symbol(str):
    """A name in the source that stands for something else than a literal."""

    __slots__ = ()


def module_path(module: str) -> Path | None:
    """Return the file of a module: of this checkout for our package, else where Python would find it."""
    parts = module.split(".")
    for root in [ROOT] if parts[0] == PACKAGE else [Path(p or ".") for p in sys.path]:
        base = root.joinpath(*parts)
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                return path
    return None


@cache
def module_source(module: str) -> str:
    """Return the source of a module."""
    path = module_path(module)
    if path is None:
        raise ValueError(f"no module {module} below {ROOT} or on PYTHONPATH")
    return path.read_text(encoding="utf-8")


@cache
def tree(module: str) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(module_source(module))


def _constants(module: ast.Module) -> dict[str, ast.expr]:
    found = {}
    for node in module.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Name):
                found[target.id] = node.value
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                found |= {t.id: v for t, v in zip(target.elts, node.value.elts, strict=False) if isinstance(t, ast.Name)}
    return found


def literal(node: ast.expr, constants: dict[str, ast.expr]) -> Any:
    """Return the value of an expression of literals and of constants of the module; calls become dicts with ``_call``, other
    names become a ``Symbol``."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Tuple | ast.List):
        values = [literal(e, constants) for e in node.elts]
        return tuple(values) if isinstance(node, ast.Tuple) else values
    if isinstance(node, ast.Dict):
        return {literal(k, constants): literal(v, constants) for k, v in zip(node.keys, node.values, strict=True) if k}
    if isinstance(node, ast.Name) and node.id in constants:
        return literal(constants[node.id], {k: v for k, v in constants.items() if k != node.id})
    if isinstance(node, ast.Call):
        keywords = {k.arg: literal(k.value, constants) for k in node.keywords if k.arg}
        return {"_call": ast.unparse(node.func), "_args": [literal(a, constants) for a in node.args], **keywords}
    try:
        return ast.literal_eval(node)
    except ValueError:
        return Symbol(ast.unparse(node))


@cache
def read_constant(module: str, name: str) -> Any:
    """Return the value of a module's constant, or None if it has none."""
    constants = _constants(tree(module))
    return literal(constants[name], constants) if name in constants else None


def read_spec(package: str, name: str, attribute: str) -> dict[str, Any]:
    """Return the literal keywords of ``attribute = Something(...)`` of the module that ``name`` stands for."""
    found = read_constant(module_name(package, name), attribute)
    return found if isinstance(found, dict) else {}


def name_problem(package: str, name: str, attribute: str, what: str) -> str:
    """Return what is wrong with the name of a thing that is found by name, and what its spec lacks; nothing if it is there
    and whole."""
    module = module_name(package, name)
    if module_path(module) is None:
        known = names(package)
        return f"{what} '{name}' is unknown{suggest(name, known)}; known: {', '.join(known)}, or package.module of your own"
    spec = read_spec(package, name, attribute)
    if not spec:
        return f"{what} '{name}': {module} has no {attribute} = ..., expected one; see docs/extending.md"
    class_module, _, class_name = SPEC_CLASSES.get(attribute, "").rpartition(".")
    if spec.get("_call", "").split(".")[-1] == class_name and (missing := missing_fields(spec, class_module, class_name)):
        return (
            f"{what} '{name}': {attribute} of {module} lacks {', '.join(missing)}, expected all parts of a {class_name}; "
            "see docs/extending.md"
        )
    return ""


@cache
def fields(module: str, class_name: str) -> dict[str, tuple[str, Any]]:
    """Return the fields of a dataclass of a module, or of one that it imports: annotation as text and default (``REQUIRED``
    without one)."""
    source = tree(module)
    constants = _constants(source)
    for node in source.body:
        if isinstance(node, ast.ClassDef) and node.name == class_name:
            return {
                item.target.id: (
                    ast.unparse(item.annotation),
                    REQUIRED if item.value is None else literal(item.value, constants),
                )
                for item in node.body
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
            }
        if isinstance(node, ast.ImportFrom) and node.module and class_name in [alias.name for alias in node.names]:
            return fields(node.module, class_name)
    return {}


def missing_fields(spec: dict[str, Any], module: str, class_name: str) -> list[str]:
    """Return the required fields of a spec's class that a spec does not give, by name."""
    wanted = fields(module, class_name)
    given = {*spec, *list(wanted)[: len(spec.get("_args", []))]}
    return [name for name, (_, default) in wanted.items() if default in (REQUIRED, "_ABSENT") and name not in given]


_KINDS = {"int": int, "float": (int, float), "str": str, "bool": bool}


def settings_problems(module: str, class_name: str, settings: dict[str, Any], where: str) -> list[str]:
    """Return what does not fit the settings dataclass of a module: unknown names, wrong types."""
    known = fields(module, class_name)
    problems = []
    for name, value in settings.items():
        if name not in known:
            listed = ", ".join(known) or "none"
            problems.append(f"{where}.{name}: unknown setting{suggest(name, list(known))}; known: {listed}")
            continue
        kind = _KINDS.get(known[name][0])
        wrong = kind and (not isinstance(value, kind) or (isinstance(value, bool) and known[name][0] != "bool"))
        if wrong or (known[name][0].startswith("tuple") and not isinstance(value, list | tuple)):
            problems.append(f"{where}.{name}: found {shown(value)}, expected {known[name][0]}")
    return problems
