"""Charge from denoised waveforms: deconvolved, and measured in the regions of interest.

The noise is gone, so the baseline may lie far outside and be short; the settings were chosen on validation samples.
"""

from __future__ import annotations

import numpy as np

from protodune.classical.charge import ChargeSettings, measured_charge
from protodune.classical.deconvolution import deconvolve, deconvolved_charge
from protodune.classical.regions import RegionSettings, find_regions
from protodune.events.products import Place, PlaneProduct
from protodune.events.store import EventStore
from protodune.events.truth import region_ticks
from protodune.learning.derivation import Derivation

SETTINGS = ChargeSettings(pad=10, short=0, baseline=3, collection_baseline=3, gain_from=0, gain_to=1)


def charge(store: EventStore, place: Place, product: PlaneProduct, threshold: float) -> np.ndarray:
    """Return charge in electrons per tick, float32 (channels, ticks), in the regions of the network, or without them in
    those that the deconvolution finds."""
    waveforms = product["denoised"].astype(np.float32, copy=True)
    plane, bad = place.plane, store.bad(place.plane.name, place.image)
    waveforms[bad] = 0
    if "regions" in product:
        image, regions = deconvolved_charge(waveforms, plane), region_ticks(product["regions"], threshold)
    else:
        images = deconvolve(waveforms, plane)
        image, regions = images.charge, find_regions(images, plane, RegionSettings())
    return measured_charge(image, regions & ~bad[:, None], plane, SETTINGS)


DERIVATION = Derivation(run=charge, needs=("denoised",))
