import numpy as np
import pytest

from protodune.simulation import matter
from protodune.simulation.showers import collision_loss, compton_per_mm, pair_per_mm


def test_muon_energy_loss_has_its_minimum_where_the_tables_have_it():
    kinetic = np.geomspace(50, 2000, 500)
    loss = matter.mean_loss(kinetic, matter.MUON_MEV) / matter.DENSITY_G_PER_CM3
    assert loss.min() == pytest.approx(1.508, rel=0.01)  # MeV cm2/g, PDG table of liquid argon
    assert kinetic[loss.argmin()] == pytest.approx(266, rel=0.1)


def test_most_probable_loss_of_a_minimum_ionising_muon():
    most_probable, xi = matter.landau(np.array([300.0, 4000.0]), matter.MUON_MEV, 5.0)
    assert most_probable / 0.5 == pytest.approx([1.65, 1.75], abs=0.1)  # MeV/cm
    assert xi / 0.5 == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("mass", [matter.MUON_MEV, matter.PION_MEV, matter.PROTON_MEV])
def test_range_and_energy_are_inverse(mass):
    for kinetic in (5.0, 80.0, 1000.0):
        assert matter.energy_at_range(matter.range_mm(kinetic, mass), mass) == pytest.approx(kinetic, rel=1e-3)
    assert matter.range_mm(100.0, mass) < matter.range_mm(200.0, mass)


def test_slow_protons_ionise_most():
    assert matter.mean_loss(np.array([20.0]), matter.PROTON_MEV) > 5 * matter.mean_loss(
        np.array([1000.0]), matter.PROTON_MEV
    )


@pytest.mark.parametrize(
    ("model", "expected"), [("box", [0.714, 0.704, 0.626, 0.496, 0.318]), ("birks", [0.714, 0.697, None, 0.512, 0.332])]
)
def test_recombination(model, expected):
    found = matter.recombination(np.array([1.7, 2.1, 4.0, 8.0, 20.0]), 0.5, model)
    for value, wanted in zip(found, expected, strict=True):
        if wanted is not None:
            assert value == pytest.approx(wanted, abs=0.003)
    assert matter.recombination(np.array([2.0]), 0.5, "none").tolist() == [1.0]


def test_highland():
    # 1 GeV muon over one radiation length: 13.6 MeV / (beta p).
    p = matter.momentum(np.array([1000.0]), matter.MUON_MEV)
    beta = p / (1000 + matter.MUON_MEV)
    angle = matter.scattering_angle(np.array([1000.0]), matter.MUON_MEV, matter.RADIATION_LENGTH_MM)
    assert angle == pytest.approx(13.6 / (beta * p), rel=0.01)


def test_electrons_and_photons():
    # Critical energy: collision loss of about 2 MeV/cm meets the radiative E / X0 near 30 MeV.
    assert collision_loss(np.array([1.0, 30.0])) == pytest.approx([1.9, 2.5], rel=0.2)
    # Klein-Nishina at 1 MeV: 0.2112 barn an electron.
    assert compton_per_mm(np.array([1.0])) == pytest.approx(0.2112e-22 * 3.788e20, rel=0.01)
    assert pair_per_mm(np.array([0.9]))[0] == 0
    assert pair_per_mm(np.array([1e4])) == pytest.approx(7 / 9 / 140)
