"""A digest of a stage's code: it changes when what the stage computes may change, not when a comment does."""

from __future__ import annotations

import ast
import hashlib
import platform
from functools import cache
from pathlib import Path

from protodune.dag import spec_reader
from protodune.dag.kept import Kept
from protodune.dag.spec_reader import PACKAGE, module_path, module_source, tree

NOT_COMPUTED = {"Task": {"measures", "head"}, "Figure": {"caption", "order"}}
"""Keywords of specs that say something to people or to other stages, which their digests hold themselves."""


@cache
def code_digest(*modules: str) -> str:
    """Return 16 hex digits over the syntax trees of modules and of all modules of their packages that they import.

    Docstrings and comments do not count.  The package's own ``__init__`` (its version) does not either.  What a stage finds
    by name (a network, a task, a measure, ...) is no import of it: name it here.
    """
    text = "\n".join(f"{name} {_tree_digest(name)}" for name in sorted(set().union(*map(closure, modules))))
    _kept().save()
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_digest(path: str) -> str:
    """Return 16 hex digits over a file of the repository that is no Python code."""
    return hashlib.sha256((spec_reader.ROOT.parent / path).read_bytes()).hexdigest()[:16]


def closure(module: str) -> set[str]:
    """Return the names of a module and of all modules that it imports, directly or not, of our package or of its own."""
    seen, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += sorted(_imports(name) - seen)
    return seen


@cache
def _imports(module: str) -> set[str]:
    ours, found = {PACKAGE, module.split(".")[0]}, set()
    for name in _facts(module)[1]:
        parts = name.split(".")
        if parts[0] not in ours:
            continue
        # Importing a.b.c runs a.b's __init__ too; the package's own holds only the version.
        first = 2 if parts[0] == PACKAGE else 1
        found |= {".".join(parts[:i]) for i in range(first, len(parts) + 1) if module_path(".".join(parts[:i]))}
    return found


def _tree_digest(module: str) -> str:
    return _facts(module)[0]


@cache
def _kept() -> Kept:
    """What was found of sources before; it counts for this way of finding it only."""
    here = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return Kept("code_digests", f"{platform.python_version()} {here}")


@cache
def _facts(module: str) -> tuple[str, list[str]]:
    """Digest of a module's syntax tree, and the names that it imports.  They depend on its source alone, and finding them
    takes longer than all the rest of a plan, so they are kept."""
    source = module_source(module)
    key = hashlib.sha256(source.encode()).hexdigest()
    return _kept().get(key, lambda: (_digest_of(source), _imported(tree(module))))


def _imported(module: ast.Module) -> list[str]:
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return sorted(found)


def _digest_of(source: str) -> str:
    parsed = ast.parse(ast.unparse(ast.parse(source)))
    for node in ast.walk(parsed):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [n for n in node.body if not _is_text(n)] or [ast.Pass()]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            left_out = NOT_COMPUTED.get(node.func.id, ())
            node.keywords = [k for k in node.keywords if k.arg not in left_out]
    return hashlib.sha256(ast.dump(parsed).encode()).hexdigest()


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
