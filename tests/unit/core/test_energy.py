"""Energy counters, on a stand-in for /sys/class/powercap, which this machine may not have."""

import math

import pytest

from protodune.core import energy
from protodune.core.energy import EnergyMeter, in_words


@pytest.fixture
def rapl(tmp_path, monkeypatch):
    monkeypatch.setattr(energy, "_gpus", list)
    for name in ("intel-rapl:0", "intel-rapl:0:0", "intel-rapl:1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "energy_uj").write_text("1000000\n")
        (tmp_path / name / "max_energy_range_uj").write_text("9000000\n")
    (tmp_path / "intel-rapl").mkdir()
    return tmp_path


def test_packages_are_counted_once_and_counters_wrap_round(rapl):
    meter = EnergyMeter(rapl)
    assert meter.source == "2 processor(s) by RAPL"
    (rapl / "intel-rapl:0" / "energy_uj").write_text("3500000\n")
    (rapl / "intel-rapl:1" / "energy_uj").write_text("500000\n")
    assert meter.joules() == pytest.approx(2.5 + 8.5)
    assert meter.joules() == 0
    assert in_words(11.0, "per epoch") == "11.0 J per epoch"


def test_what_cannot_be_read_is_not_available(rapl):
    for package in rapl.glob("intel-rapl:*"):
        (package / "energy_uj").write_text("")
    meter = EnergyMeter(rapl)
    assert meter.source == "not available"
    assert math.isnan(meter.joules())
    assert in_words(meter.joules(), "per epoch") == "energy not available"


def test_this_machine_answers():
    meter = EnergyMeter()
    assert (meter.source == "not available") == math.isnan(meter.joules())
