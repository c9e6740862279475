"""A digest of a stage's code: it changes when what the stage computes may change, not when a comment does."""

from __future__ import annotations

import ast
import hashlib
from functools import cache

from protodune.dag import spec_reader
from protodune.dag.spec_reader import PACKAGE, module_path, tree

NOT_COMPUTED = {"Task": {"measures", "head"}, "Figure": {"caption", "order"}}
"""Keywords of specs that say something to people or to other stages, which their digests hold themselves."""


@cache
def code_digest(*modules: str) -> str:
    """Return 16 hex digits over the syntax trees of modules and of all modules of their packages that they import.

    Docstrings and comments do not count.  The package's own ``__init__`` (its version) does not either.  What a stage finds
    by name (a network, a task, a measure, ...) is no import of it: name it here.
    """
    text = "\n".join(f"{name} {_tree_digest(name)}" for name in sorted(set().union(*map(closure, modules))))
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
    for node in ast.walk(tree(module)):
        imported = []
        if isinstance(node, ast.Import):
            imported = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in imported:
            parts = name.split(".")
            if parts[0] not in ours:
                continue
            # Importing a.b.c runs a.b's __init__ too; the package's own holds only the version.
            first = 2 if parts[0] == PACKAGE else 1
            found |= {".".join(parts[:i]) for i in range(first, len(parts) + 1) if module_path(".".join(parts[:i]))}
    return found


@cache
def _tree_digest(module: str) -> str:
    parsed = ast.parse(ast.unparse(tree(module)))
    for node in ast.walk(parsed):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [n for n in node.body if not _is_text(n)] or [ast.Pass()]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            left_out = NOT_COMPUTED.get(node.func.id, ())
            node.keywords = [k for k in node.keywords if k.arg not in left_out]
    return hashlib.sha256(ast.dump(parsed).encode()).hexdigest()


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
