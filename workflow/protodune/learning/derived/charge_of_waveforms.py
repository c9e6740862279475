"""Charge from denoised waveforms: deconvolved, and measured in the regions of interest.

The noise is gone, so the baseline may lie far outside and be short.  What the network made of the noise cannot be seen
beside a signal: the error goes with the noise of the channel before.  All settings were chosen on validation samples.
"""

from __future__ import annotations

import numpy as np

from protodune.classical.charge import ChargeSettings, measured_charge
from protodune.classical.charge_noise import SumNoise
from protodune.classical.deconvolution import deconvolve, deconvolved_charge
from protodune.classical.regions import RegionSettings, find_regions
from protodune.events.products import Place, PlaneProduct
from protodune.events.store import EventStore
from protodune.events.truth import region_ticks
from protodune.learning.derivation import Derivation

SETTINGS = ChargeSettings(
    pad=10, short=0, baseline=3, collection_baseline=3, counted=20, gain_from=0, gain_to=1,
    noise_factor=0.65, collection_noise_factor=0.3,
)  # fmt: skip
_TICKS = np.array([32, 512])
_SUM_NOISE = {"induction": 1200 * (_TICKS / 64) ** 1.25, "collection": 330 * (_TICKS / 64) ** 0.8}
"""Electrons per ADC of noise, of sums over so many ticks: what classical denoising and deconvolution leave in windows
without signal."""


def sum_noise(store: EventStore, place: Place) -> SumNoise:
    """Return the noise of sums of deconvolved charge as the noise of the channels lets expect it."""
    rms = store.noise_rms(place.plane.name, place.image) / place.plane.adc_scale
    return SumNoise(_TICKS, _SUM_NOISE[place.plane.family], rms)


def charge(store: EventStore, place: Place, product: PlaneProduct, threshold: float) -> PlaneProduct:
    """Return charge and its error in electrons per tick, float32 (channels, ticks), in the regions of the network, or
    without them in those that the deconvolution finds."""
    waveforms = product["denoised"].astype(np.float32, copy=True)
    plane, bad = place.plane, store.bad(place.plane.name, place.image)
    waveforms[bad] = 0
    if "regions" in product:
        image, regions = deconvolved_charge(waveforms, plane), region_ticks(product["regions"], threshold)
    else:
        images = deconvolve(waveforms, plane)
        image, regions = images.charge, find_regions(images, plane, RegionSettings())
    measured = measured_charge(image, regions & ~bad[:, None], plane, SETTINGS, sum_noise(store, place))
    return {"charge": measured.charge, "charge_error": measured.error}


DERIVATION = Derivation(run=charge, needs=("denoised",))
