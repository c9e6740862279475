"""The ten acceptance checks of the simulation, and the peaks that the response fits must reproduce."""

import pytest

from plugins.small_detector import DETECTOR as SMALL
from protodune.classical.coherent import low_pass_without_coherent_noise
from protodune.core.errors import ProtoduneError
from protodune.detector.known.protodune_sp import DETECTOR
from protodune.simulation.acceptance import CHECKS, EXPECTED, Bench, mip_peaks

# Tabulated to 0.1 ADC, and clean waveforms are counts of 1/8 ADC.
ROUNDING_ADC = 0.12
BENCH = Bench(DETECTOR, low_pass_without_coherent_noise)
MIP_PEAKS_ADC = EXPECTED["protodune_sp"].mip_peaks_adc


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
def test_acceptance(check):
    found = check(BENCH)
    assert found.checks
    assert not [c for c in found.checks if not c.passed]


@pytest.mark.parametrize("theta", MIP_PEAKS_ADC)
def test_peaks_of_minimum_ionising_tracks(theta):
    table = MIP_PEAKS_ADC[theta]
    found = [value for plane in "UV" for value in mip_peaks(BENCH, plane, theta)] + [mip_peaks(BENCH, "X", theta)[0]]
    for value, expected in zip(found, table, strict=True):
        assert value == pytest.approx(expected, rel=0.03, abs=ROUNDING_ADC + 0.03 * abs(expected))


def test_a_detector_without_published_numbers_is_refused():
    with pytest.raises(ProtoduneError, match=r"detector plugins\.small_detector: nothing is known to check its simulation"):
        _ = Bench(SMALL, low_pass_without_coherent_noise).expected
