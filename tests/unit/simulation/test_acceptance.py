"""The ten acceptance checks of the simulation, and the peaks that the response fits must reproduce."""

import pytest

from protodune.simulation.acceptance import CHECKS, MIP_PEAKS_ADC, mip_peaks

# Tabulated to 0.1 ADC, and clean waveforms are counts of 1/8 ADC.
ROUNDING_ADC = 0.12


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
def test_acceptance(check):
    found = check()
    assert found.checks
    assert not [c for c in found.checks if not c.passed]


@pytest.mark.parametrize("theta", MIP_PEAKS_ADC)
def test_peaks_of_minimum_ionising_tracks(theta):
    table = MIP_PEAKS_ADC[theta]
    found = [value for plane in "UV" for value in mip_peaks(plane, theta)] + [mip_peaks("X", theta)[0]]
    for value, expected in zip(found, table, strict=True):
        assert value == pytest.approx(expected, rel=0.03, abs=ROUNDING_ADC + 0.03 * abs(expected))
