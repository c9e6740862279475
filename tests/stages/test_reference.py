"""Numbers that must not change, on a short event of one unit and in small trainings; `make test-reference` has all units."""

import json

import pytest

from reference import FILE, differences, machine, make


@pytest.mark.parametrize("name", ["small", "trainings"])
def test_numbers_are_as_they_were(name):
    stored = json.loads(FILE.read_text())[name]
    found = make(name)
    assert len(found) > 50
    assert differences(found, stored["numbers"], exact=stored["machine"] == machine()) == []


def test_a_changed_number_is_found():
    wanted = json.loads(FILE.read_text())["small"]["numbers"]
    key = next(k for k in wanted if k.endswith("/denoised"))
    digest, mean, deviation = wanted[key].split()
    assert differences({**wanted, key: f"{'0' * 16} {mean} {deviation}"}, wanted, exact=True) == [key]
    assert differences({**wanted, key: f"{digest[::-1]} {mean} {float(deviation) * 1.1}"}, wanted, exact=False) == [key]
    assert differences({**wanted, key: f"{digest[::-1]} {mean} {deviation}"}, wanted, exact=False) == []
