"""From JSON text to frozen settings dataclasses: unknown names and wrong types are refused by path.

Defaults of settings that the configuration has stand in its schema, and nowhere else.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
import types
import typing
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

from protodune.core.errors import ProtoduneError, suggest

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
    try:
        mapping = json.loads(text)
    except json.JSONDecodeError as error:
        raise ProtoduneError(f"--settings is not JSON ({error}); expected an object for {cls.__name__}") from None
    return build(cls, mapping, "settings")


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
            raise ProtoduneError(f"{path}: found {value!r}, expected {' or '.join(k.__name__ for k in kinds)}")
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
        return float(value)
    if isinstance(origin, type) and isinstance(value, origin) and not (kind is int and isinstance(value, bool)):
        return value
    raise ProtoduneError(f"{path}: found {value!r}, expected {getattr(kind, '__name__', kind)}")


def to_json(settings: Any) -> str:
    """Write a dataclass (or mapping) as compact JSON with sorted keys."""
    plain = dataclasses.asdict(settings) if dataclasses.is_dataclass(settings) else settings
    return json.dumps(plain, sort_keys=True)
