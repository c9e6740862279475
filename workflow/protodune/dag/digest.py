"""A digest of a stage's code: it changes when what the stage computes may change, not when a comment does."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = "protodune"


def code_digest(*modules: str) -> str:
    """Return 16 hex digits over the syntax trees of modules and of all package modules that they import.

    Docstrings and comments do not count.  The package's own ``__init__`` (its version) does not either.
    """
    text = "\n".join(f"{name} {_tree_digest(name)}" for name in sorted(set().union(*map(closure, modules))))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_digest(path: str) -> str:
    """Return 16 hex digits over a file of the repository that is no Python code."""
    return hashlib.sha256((_ROOT.parent / path).read_bytes()).hexdigest()[:16]


def closure(module: str) -> set[str]:
    """Return the names of a module and of all modules of this package that it imports, directly or not."""
    seen, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += sorted(_imports(name) - seen)
    return seen


def _path(module: str) -> Path | None:
    base = _ROOT.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _tree(module: str) -> ast.Module:
    path = _path(module)
    if path is None:
        raise ValueError(f"no module {module} below {_ROOT}")
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _imports(module: str) -> set[str]:
    found = set()
    for node in ast.walk(_tree(module)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            if parts[0] != _PACKAGE:
                continue
            # Importing a.b.c runs a.b's __init__ too; the package's own holds only the version.
            found |= {".".join(parts[:i]) for i in range(2, len(parts) + 1) if _path(".".join(parts[:i]))}
    return found


@cache
def _tree_digest(module: str) -> str:
    tree = ast.parse(ast.unparse(_tree(module)))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [n for n in body if not _is_text(n)] or [ast.Pass()]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
