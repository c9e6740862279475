"""Ranges of colours that displays of figures and of the page share."""

from __future__ import annotations

from protodune.detector.model import Plane

COLOUR_RANGE_ADC = {"induction": (-20.0, 20.0), "collection": (-20.0, 100.0)}
DIFFERENCE_RANGE_ADC = (-20.0, 20.0)
"""In ADC of the reference gain."""
CHARGE_RANGE, CHARGE_DIFFERENCE_RANGE = (0.0, 6000.0), (-2000.0, 2000.0)
"""In electrons per tick: a minimum ionising particle across the wires reaches about the upper end."""


def colour_range(plane: Plane, difference: bool = False) -> tuple[float, float]:
    """Return the ends of the colours of waveforms of a plane, or of a difference of two, in ADC."""
    low, high = DIFFERENCE_RANGE_ADC if difference else COLOUR_RANGE_ADC[plane.family]
    return low * plane.adc_scale, high * plane.adc_scale
