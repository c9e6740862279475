"""What the files of a configuration hold and their reader does not tell: keys that occur twice, the last of which wins."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from protodune.core.errors import shown

_MERGE = "tag:yaml.org,2002:merge"


def repeated_keys(files: Iterable[str | Path]) -> list[str]:
    """Return the keys that occur twice in one mapping of YAML or JSON files, with the lines of both."""
    return [problem for path in dict.fromkeys(map(str, files)) if Path(path).is_file() for problem in _repeated(path)]


def _repeated(path: str) -> list[str]:
    try:
        with open(path, "rb") as file:
            root = yaml.compose(file, Loader=yaml.SafeLoader)
    except (OSError, yaml.YAMLError):
        return []  # JSON with tabs; what is neither has been refused by Snakemake, which read it first
    problems, seen, waiting = [], set(), [root]
    while waiting:
        node = waiting.pop(0)
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            problems += _repeated_in(node, path)
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
    return problems


def _repeated_in(mapping: yaml.MappingNode, path: str) -> list[str]:
    first: dict[tuple[str, str], int] = {}
    problems = []
    for key, _ in mapping.value:
        line, name = key.start_mark.line + 1, (key.tag, str(key.value))
        if key.tag != _MERGE and name in first:
            problems.append(
                f"{path}: line {line}: the key {shown(key.value)} stands in line {first[name]} already, expected it once; "
                "the last would win, take one out"
            )
        first.setdefault(name, line)
    return problems
