from dataclasses import dataclass, field

import pytest

from protodune.core.errors import ProtoduneError
from protodune.core.settings import parse_settings


@dataclass(frozen=True)
class Inner:
    rate: float = 1.0


@dataclass(frozen=True)
class Outer:
    name: str
    sizes: tuple[int, ...] = (1, 2)
    tag: str | None = None
    inner: Inner = field(default_factory=Inner)
    steps: tuple[str | dict, ...] = ()


def test_nested_settings_are_built_with_their_types():
    found = parse_settings(Outer, '{"name": "a", "sizes": [3], "inner": {"rate": 2}, "tag": null}')
    assert found == Outer("a", (3,), None, Inner(2.0))


def test_one_of_several_types():
    assert parse_settings(Outer, '{"name": "a", "steps": ["b", {"c": {"d": 1}}]}').steps == ("b", {"c": {"d": 1}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"name": "a", "inner": {"rat": 2}}', r"settings.inner.rat: unknown setting \(did you mean 'rate'\?\)"),
        ('{"name": 3}', "settings.name: found 3, expected str"),
        ('{"name": "a", "sizes": ["x"]}', r"settings.sizes\[0\]: found 'x', expected int"),
        ('{"name": "a", "inner": {"rate": true}}', "settings.inner.rate: found True, expected float"),
        ('{"name": "a", "steps": ["b", 3]}', r"settings.steps\[1\]: found 3, expected str or dict"),
        ("{}", "missing name"),
        ("{", "not JSON"),
    ],
)
def test_wrong_settings_are_refused_by_path(text, message):
    with pytest.raises(ProtoduneError, match=message):
        parse_settings(Outer, text)
