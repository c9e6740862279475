"""From JSON text to frozen settings dataclasses: unknown names and wrong types are refused by path.

Defaults of settings that the configuration has stand in its schema, and nowhere else.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
import math
import types
import typing
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

from protodune.core.errors import ProtoduneError, shown, suggest

T = TypeVar("T")
_SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


@cache
def load_schema(name: str) -> dict:
    """Read a schema of workflow/schemas: config, samples or trials."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # every stage reads one: C takes a tenth of the time
    return yaml.load((_SCHEMAS / f"{name}.schema.yaml").read_text(encoding="utf-8"), loader)


def defaults_of(*path: str) -> Callable[[type[T]], type[T]]:
    """Return a decorator of classes, to stand below ``dataclass``: fields get the defaults of the configuration's schema.

    ``path``: where the settings stand in the configuration; ``*`` stands for entries of any name.
    """
    place = load_schema("config")
    for name in path:
        place = place["additionalProperties"] if name == "*" else place["properties"][name]

    def decorate(cls: type[T]) -> type[T]:
        for name, kind in typing.get_type_hints(cls).items():
            known = place["properties"].get(name, {})
            if "default" in known and name not in vars(cls):
                value = _convert(kind, known["default"], ".".join([*path, name]))
                factory = isinstance(value, dict)
                setattr(cls, name, dataclasses.field(default_factory=lambda v=value: copy.copy(v)) if factory else value)
        return cls

    return decorate


def parse_settings(cls: type[T], text: str) -> T:
    """Parse the JSON object ``text`` into the dataclass ``cls``; a ProtoduneError names what does not fit."""
    return build(cls, parse_json(text, "settings"), "settings")


def parse_json(text: str, where: str) -> Any:
    """Return what a JSON text holds; ``where`` leads in messages.

    Refused are what Python's parser lets pass: numbers that are not finite, and keys that occur twice.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
            raise ProtoduneError(
                f"{where}: the key {shown(twice)} occurs more than once, expected it once; take the other out"
            )
        return found

    try:
        value = json.loads(text, object_pairs_hook=once)
    except RecursionError:
        raise ProtoduneError(_too_deep(where)) from None
    except ValueError as error:
        reason = error if isinstance(error, json.JSONDecodeError) else "a number is too long"
        raise ProtoduneError(f"{where}: found {shown(text)}, which is not JSON ({reason}), expected a JSON object") from None
    problems = value_problems(value, where)
    if problems:
        raise ProtoduneError(problems[0])
    return value


MAX_DEPTH = 32
MAX_VALUES = 100_000


def value_problems(value: Any, where: str) -> list[str]:
    """Return what no setting may be, at any depth: numbers that are not finite, keys that are no text, other things than
    text, numbers, true, false and null; ``where`` leads in messages."""
    problems, waiting = [], [(value, where, 0)]
    for part, path, depth in waiting:  # which grows meanwhile
        if isinstance(part, dict | list | tuple):
            if depth == MAX_DEPTH:
                return [_too_deep(where)]
            if len(waiting) + len(part) > MAX_VALUES:
                return [f"{where}: found more than {MAX_VALUES} values, expected settings; is this the right file?"]
            if isinstance(part, dict):
                odd = [key for key in part if not isinstance(key, str)]
                problems += [f"{path}: found the key {shown(key)}, expected text; put it in quotes" for key in odd]
            items = part.items() if isinstance(part, dict) else enumerate(part)
            waiting += [(item, f"{path}.{key}", depth + 1) for key, item in items]
        elif isinstance(part, int | float):
            if not is_finite(part):
                problems.append(f"{path}: found {shown(part)}, expected a finite number")
        elif part is not None and not isinstance(part, str):
            problems.append(f"{path}: found {shown(part)}, expected text, a number, true or false; put text in quotes")
    return problems


def is_finite(number: float) -> bool:
    """Whether a number is finite as a 64-bit floating-point number."""
    try:
        return math.isfinite(number)
    except OverflowError:  # an integer above 1.8e308
        return False


def _too_deep(where: str) -> str:
    return f"{where}: nested deeper than {MAX_DEPTH} levels, expected plain settings; take the brackets out"


def build(cls: type[T], mapping: Any, path: str) -> T:
    """Build the dataclass ``cls`` from a mapping, nested dataclasses included; ``path`` leads in messages."""
    if not isinstance(mapping, dict):
        raise ProtoduneError(f"{path}: found {mapping!r}, expected an object with the settings of {cls.__name__}")
    if hasattr(cls, "expand"):  # presets
        mapping = cls.expand(mapping)
    hints = typing.get_type_hints(cls)
    for name in mapping:
        if name not in hints:
            raise ProtoduneError(
                f"{path}.{name}: unknown setting{suggest(name, list(hints))}; known: {', '.join(sorted(hints))}"
            )
    missing = [
        f.name
        for f in dataclasses.fields(cls)
        if f.name not in mapping and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ProtoduneError(f"{path}: missing {', '.join(missing)} for {cls.__name__}")
    return cls(**{name: _convert(hints[name], value, f"{path}.{name}") for name, value in mapping.items()})


def _convert(kind: Any, value: Any, path: str) -> Any:
    if isinstance(kind, types.UnionType):
        if value is None and type(None) in kind.__args__:
            return None
        kinds = [k for k in kind.__args__ if k is not type(None)]
        for option in kinds[:-1]:
            with contextlib.suppress(ProtoduneError):
                return _convert(option, value, path)
        if len(kinds) > 1 and not isinstance(value, tuple(kinds)):
            raise ProtoduneError(f"{path}: found {shown(value)}, expected {' or '.join(k.__name__ for k in kinds)}")
        kind = kinds[-1]
    if dataclasses.is_dataclass(kind):
        return build(kind, value, path)
    origin = typing.get_origin(kind) or kind
    if origin is tuple and isinstance(value, list | tuple):
        inner = typing.get_args(kind)[0] if typing.get_args(kind) else Any
        return tuple(_convert(inner, v, f"{path}[{i}]") for i, v in enumerate(value))
    if kind is Any or (origin is dict and isinstance(value, dict)):
        return value
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not is_finite(value):
            raise ProtoduneError(f"{path}: found {shown(value)}, expected a finite number")
        return float(value)
    if isinstance(origin, type) and isinstance(value, origin) and not (kind is int and isinstance(value, bool)):
        return value
    raise ProtoduneError(f"{path}: found {shown(value)}, expected {getattr(kind, '__name__', kind)}")


def to_json(settings: Any) -> str:
    """Write a dataclass (or mapping) as compact JSON with sorted keys."""
    plain = dataclasses.asdict(settings) if dataclasses.is_dataclass(settings) else settings
    return json.dumps(plain, sort_keys=True)
