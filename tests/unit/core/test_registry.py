import sys

import pytest

from protodune.core.errors import ProtoduneError
from protodune.core.registry import load, module_name, names

PACKAGE = "protodune.classical.steps"


def test_names_are_the_modules_of_a_folder():
    assert {"cut", "sticky", "deconvolve"} <= set(names(PACKAGE))
    assert module_name(PACKAGE, "cut") == "protodune.classical.steps.cut"
    assert module_name(PACKAGE, "my.cut") == "my.cut"


def test_a_module_of_ones_own_is_found_by_its_dotted_name(tmp_path, monkeypatch):
    (tmp_path / "own_things.py").write_text("")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "__init__.py").write_text("")
    (tmp_path / "own" / "thing.py").write_text("THING = 3\n")
    (tmp_path / "own" / "empty.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert load(PACKAGE, "own.thing", "THING", int, "thing") == 3
    assert "own.empty" not in sys.modules, "nothing is imported before it is asked for"
    with pytest.raises(ProtoduneError, match=r"thing 'own.empty': module own.empty has no THING, expected one int"):
        load(PACKAGE, "own.empty", "THING", int, "thing")
    with pytest.raises(ProtoduneError, match=r"thing 'own.thing': module own.thing has another THING, expected one str"):
        load(PACKAGE, "own.thing", "THING", str, "thing")


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ProtoduneError, match=r"step 'ct' is unknown \(did you mean 'cut'\?\); known: coherent, cut"):
        load(PACKAGE, "ct", "STEP", object, "step")
    with pytest.raises(ProtoduneError, match=r"step 'no.where' is unknown; known: coherent"):
        load(PACKAGE, "no.where", "STEP", object, "step")
