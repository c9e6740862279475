"""Charge in the regions of a region selector: that of the classical deconvolution."""

from __future__ import annotations

import numpy as np

from protodune.classical.charge import measured_charge
from protodune.events.products import Place, PlaneProduct
from protodune.events.store import EventStore
from protodune.events.truth import region_ticks
from protodune.learning.deconvolved import deconvolved_plane
from protodune.learning.derivation import Derivation


def charge(store: EventStore, place: Place, product: PlaneProduct, threshold: float) -> np.ndarray:
    """Return charge in electrons per tick, float32 (channels, ticks)."""
    name = place.plane.name
    regions = region_ticks(product["regions"], threshold) & ~store.bad(name, place.image)[:, None]
    return measured_charge(deconvolved_plane(store, name, place.image).image, regions, place.plane)


DERIVATION = Derivation(run=charge, needs=("regions",))
