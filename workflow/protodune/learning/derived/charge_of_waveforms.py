"""Charge from denoised waveforms: deconvolved, and measured in the regions of interest.

The noise is gone, so the baseline may lie far outside and be short; the settings were chosen on validation samples.
"""

from __future__ import annotations

import numpy as np

from protodune.classical.charge import ChargeSettings, measured_charge
from protodune.classical.deconvolution import deconvolved_charge
from protodune.events.products import Place, PlaneProduct
from protodune.events.store import EventStore
from protodune.events.truth import LABEL_ADC, region_ticks
from protodune.learning.derivation import Derivation

SETTINGS = ChargeSettings(pad=10, share=1.0, baseline=3, collection_baseline=3, gain_from=0, gain_to=1)


def charge(store: EventStore, place: Place, product: PlaneProduct, threshold: float) -> np.ndarray:
    """Return charge in electrons per tick, float32 (channels, ticks); regions are those of the network, or without them
    denoised values of at least 3.5 ADC."""
    waveforms = product["denoised"].astype(np.float32, copy=True)
    bad = store.bad(place.plane.name, place.image)
    waveforms[bad] = 0
    if "regions" in product:
        regions = region_ticks(product["regions"], threshold)
    else:
        regions = np.abs(waveforms) >= LABEL_ADC * place.plane.adc_scale
    regions = regions & ~bad[:, None]
    return measured_charge(deconvolved_charge(waveforms, place.plane), regions, place.plane, SETTINGS)


DERIVATION = Derivation(run=charge, needs=("denoised",))
