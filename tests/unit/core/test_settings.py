import datetime
from dataclasses import dataclass, field

import pytest

from protodune.core.errors import ProtoduneError
from protodune.core.settings import build, parse_settings, value_problems


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
        ('{"name": "a", "inner": {"rate": NaN}}', "settings.inner.rate: found nan, expected a finite number"),
        ('{"name": "a", "steps": [{"cut": {"size_adc": Infinity}}]}', "settings.steps.0.cut.size_adc: found inf"),
        ('{"name": "a", "inner": {"rate": -1e999}}', "settings.inner.rate: found -inf, expected a finite number"),
        (
            '{"name": "a", "inner": {"rate": 1%s}}' % ("0" * 400),
            r"settings.inner.rate: found 10+\.\.\.0+ \(401 characters\)",
        ),
        ('{"name": "a", "sizes": [1%s]}' % ("0" * 5000), "a number is too long"),
        ('{"name": "a", "name": "b"}', "settings: the key 'name' occurs more than once"),
        ('{"name": ' + "[" * 100_000 + "]" * 100_000 + "}", "settings: nested deeper than 32 levels"),
        ('{"name": ' + "[" * 40 + "]" * 40 + "}", "settings: nested deeper than 32 levels"),
        ('{"name": "' + "x" * 200_000, r"not JSON \(Unterminated string"),
    ],
    ids=lambda value: value[:40],
)
def test_wrong_settings_are_refused_by_path(text, message):
    with pytest.raises(ProtoduneError, match=message) as caught:
        parse_settings(Outer, text)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


def test_numbers_that_are_not_finite_are_refused_wherever_settings_come_from():
    with pytest.raises(ProtoduneError, match=r"network\.rate: found inf, expected a finite number"):
        build(Inner, {"rate": float("inf")}, "network")


def test_settings_are_text_numbers_true_false_and_null():
    loop = {}
    loop["again"] = loop
    many = {"a": [0] * 50_000}
    found = {
        "a": {1: "x"}, "b": datetime.date(2026, 1, 1), "c": [1, 2.5, None, "d", False], "e": {"f": float("nan")},
    }  # fmt: skip
    assert value_problems(found, "config") == [
        "config.a: found the key 1, expected text; put it in quotes",
        "config.b: found datetime.date(2026, 1, 1), expected text, a number, true or false; put text in quotes",
        "config.e.f: found nan, expected a finite number",
    ]
    assert value_problems(loop, "config") == [
        "config: nested deeper than 32 levels, expected plain settings; take the brackets out"
    ]
    assert "more than 100000 values" in value_problems({"a": many, "b": many, "c": many}, "config")[0]
    assert value_problems({"a": many}, "config") == []
