"""Charge in the regions of a region selector: that of the classical deconvolution."""

from __future__ import annotations

from protodune.classical.charge import ChargeSettings, measured_charge
from protodune.events.products import Place, PlaneProduct
from protodune.events.store import EventStore
from protodune.events.truth import region_ticks
from protodune.learning.deconvolved import deconvolved_plane
from protodune.learning.derivation import Derivation

SETTINGS = ChargeSettings(counted=20)
"""Regions of a network end where the charge ends; those of the classical chain often before."""


def charge(store: EventStore, place: Place, product: PlaneProduct, threshold: float) -> PlaneProduct:
    """Return charge and its error in electrons per tick, float32 (channels, ticks)."""
    name = place.plane.name
    regions = region_ticks(product["regions"], threshold) & ~store.bad(name, place.image)[:, None]
    image = deconvolved_plane(store, name, place.image).image
    measured = measured_charge(image, regions, place.plane, SETTINGS)
    return {"charge": measured.charge, "charge_error": measured.error}


DERIVATION = Derivation(run=charge, needs=("regions",))
