import dataclasses
import sys
import types

import pytest

from plugins.small_detector import DETECTOR as SMALL
from plugins.small_detector import FAMILY_PLANES, N_UNITS
from protodune.core.errors import ProtoduneError
from protodune.detector.known.protodune_sp import DETECTOR
from protodune.detector.registry import detector_names, find_detector, stored_detector


def test_detectors_are_found_by_name():
    assert find_detector("protodune_sp") is DETECTOR
    assert find_detector("plugins.small_detector") is SMALL
    assert "protodune_sp" in detector_names()
    assert len(SMALL.units) == N_UNITS
    assert {family: SMALL.family_planes(family) for family in FAMILY_PLANES} == FAMILY_PLANES


def test_unknown_names_are_refused_in_words():
    with pytest.raises(ProtoduneError, match=r"detector 'protodune_ps' is unknown \(did you mean 'protodune_sp'\?\)"):
        find_detector("protodune_ps")
    with pytest.raises(ProtoduneError, match=r"module helpers\.nothing|detector 'helpers\.nothing' is unknown"):
        find_detector("helpers.nothing")


def test_a_detector_must_carry_the_name_by_which_it_is_found(monkeypatch):
    module = types.ModuleType("elsewhere.twin")
    module.DETECTOR = SMALL
    module.__spec__ = types.SimpleNamespace()
    monkeypatch.setitem(sys.modules, "elsewhere", types.ModuleType("elsewhere"))
    monkeypatch.setitem(sys.modules, "elsewhere.twin", module)
    with pytest.raises(ProtoduneError, match=r"calls itself 'plugins\.small_detector', expected name=\"elsewhere\.twin\""):
        find_detector("elsewhere.twin")


def test_files_of_another_version_are_refused():
    assert stored_detector("protodune_sp", DETECTOR.version, "a.h5") is DETECTOR
    with pytest.raises(
        ProtoduneError, match=r"a\.h5: made for protodune_sp version 9, expected version 1; run the stage 'convert'"
    ):
        stored_detector("protodune_sp", 9, "a.h5")


def test_what_does_not_fit_together_is_refused():
    plane = DETECTOR.plane(0, "U")
    with pytest.raises(ProtoduneError, match="plane U: family 'inductive', expected induction or collection"):
        dataclasses.replace(plane, family="inductive")
    with pytest.raises(ProtoduneError, match="plane U of unit 0: 20 boards of 30 channels, expected 800 channels together"):
        dataclasses.replace(plane, group_size=30)
    with pytest.raises(ProtoduneError, match="units differ in the names or sizes of their planes"):
        dataclasses.replace(DETECTOR, units=(DETECTOR.units[0], SMALL.units[1]))
    with pytest.raises(ProtoduneError, match=r"planes of ticks \[500.0\] ns, expected 400"):
        dataclasses.replace(DETECTOR, tick_ns=400.0)


def test_fourteen_bits_fit_into_stored_counts():
    assert SMALL.adc_per_count == 0.5
    assert SMALL.planes().__next__().electronics.adc_max / SMALL.adc_per_count < 2**15
    assert SMALL.plane(0, "X").adc_scale == pytest.approx(11.7 / 2.925 / 1.1365)
    assert [unit.planes["V"].family for unit in SMALL.units] == ["induction", "collection"]
    assert [[p.name for p in unit.of_family("collection")] for unit in SMALL.units] == [["X"], ["V", "X"]]


def replaced_plane(**changes):
    unit = DETECTOR.units[0]
    last = dataclasses.replace(unit.planes["X"], **changes)
    return dataclasses.replace(DETECTOR, units=(dataclasses.replace(unit, planes={**unit.planes, "X": last}),))


def test_units_and_channels_are_counted_without_gaps():
    with pytest.raises(ProtoduneError, match=r"unit 1 at place 0, .* expected units numbered 0, 1, 2, ... in order"):
        dataclasses.replace(DETECTOR, units=DETECTOR.units[1:2])
    with pytest.raises(ProtoduneError, match="plane X of unit 0 begins at channel 1601, expected 1600: planes follow each"):
        replaced_plane(first_channel=1601)
    with pytest.raises(ProtoduneError, match=r"planes of units \[0, 3\]"):
        replaced_plane(unit=3)
    with pytest.raises(ProtoduneError, match="a digitiser of 16 bits, expected 1 to 15"):
        dataclasses.replace(DETECTOR.units[0].planes["X"].electronics, adc_bits=16)
