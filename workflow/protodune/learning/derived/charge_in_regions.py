"""Charge that a network gives itself, kept in its regions, and its error."""

from __future__ import annotations

import numpy as np

from protodune.classical.charge import ChargeSettings
from protodune.classical.regions import run_sums, run_ticks
from protodune.events.products import Place, PlaneProduct
from protodune.events.regions import from_runs, runs
from protodune.events.store import EventStore
from protodune.events.truth import region_ticks
from protodune.learning.derivation import Derivation
from protodune.learning.derived.charge_of_waveforms import sum_noise

SETTINGS = ChargeSettings(counted=20, noise_factor=0.3, collection_noise_factor=0.3, relative_error=0.1)
"""Chosen on validation samples."""


def charge(store: EventStore, place: Place, product: PlaneProduct, threshold: float) -> PlaneProduct:
    """Return charge and its error in electrons per tick, float32 (channels, ticks), to 20 ticks beyond the regions."""
    plane = place.plane
    regions = region_ticks(product["regions"], threshold) & ~store.bad(plane.name, place.image)[:, None]
    row, begin, end = runs(regions)
    counted = from_runs(row, begin - SETTINGS.counted, end + SETTINGS.counted, regions.shape)
    found = product["charge"] * counted
    row, begin, end = runs(counted)
    which, tick = run_ticks(begin, end)
    total = run_sums(found[row[which], tick], begin, end)
    factor = SETTINGS.collection_noise_factor if plane.collects else SETTINGS.noise_factor
    noise = factor * sum_noise(store, place).of(row, end - begin)
    error = np.zeros_like(found)
    error[row[which], tick] = (np.hypot(noise, SETTINGS.relative_error * total) / (end - begin))[which]
    return {"charge": found, "charge_error": error}


DERIVATION = Derivation(run=charge, needs=("charge", "regions"))
