"""Classical methods: sequences of steps from the digits of a plane to denoised waveforms, charge and regions of interest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from protodune.classical.step import PlaneReadout, find_step
from protodune.core.errors import ProtoduneError
from protodune.core.settings import build
from protodune.events.making import Method
from protodune.events.products import Output, Place, PlaneProduct
from protodune.events.store import EventStore


@dataclass(frozen=True)
class MethodSettings:
    """The steps of a method, in order: the name of a step (``classical/steps``), or the name with its settings, as
    ``{"cut": {"size_adc": 15.0}}``."""

    steps: tuple[str | dict, ...] = ()

    def __post_init__(self):
        names = [name for name, _ in self.chosen()]
        if "sticky" in names[1:]:
            raise ProtoduneError("steps: 'sticky' looks at the codes as they were read; expected it first")

    def chosen(self) -> list[tuple[str, Any]]:
        """Return the steps with their settings, all checked: name and an instance of the step's settings."""
        found = []
        for place, entry in enumerate(self.steps):
            if isinstance(entry, dict) and len(entry) != 1:
                raise ProtoduneError(f"steps[{place}]: found {entry}, expected the name of one step with its settings")
            ((name, given),) = entry.items() if isinstance(entry, dict) else ((entry, {}),)
            found.append((name, build(find_step(name).settings, {} if given is None else given, f"steps[{place}].{name}")))
        return found


def run_method(settings: MethodSettings, readout: PlaneReadout, workers: int = 1) -> PlaneProduct:
    """Run the steps of a method on one plane; bad channels come out as zero.

    Returns ``denoised``, and ``charge``, ``charge_error`` and ``regions`` where a step made them; each (channels, ticks).
    """
    if not np.isfinite(readout.waveforms).all():
        raise ProtoduneError(
            f"plane {readout.plane.name}: the waveforms hold NaN or infinity; expected digits less a pedestal"
        )
    state: PlaneProduct = {"denoised": readout.waveforms.astype(np.float32, copy=True)}
    state["denoised"][readout.bad] = 0
    for name, chosen in settings.chosen():
        find_step(name).run(state, readout, chosen, workers)
    for image in state.values():
        image[readout.bad] = 0
    return state


def as_method(settings: MethodSettings, outputs: Sequence[Output], workers: int = 1) -> Method:
    """Return the method as ``make_products`` takes it; it gives those of its images that are among ``outputs``."""
    names = {o.name for o in outputs}

    def make(store: EventStore, group: list[Place]) -> list[PlaneProduct]:
        found = [run_method(settings, read_plane(store, place), workers) for place in group]
        return [{name: image for name, image in product.items() if name in names} for product in found]

    return make


def read_plane(store: EventStore, place: Place) -> PlaneReadout:
    """Return what a classical method gets of one plane of a store."""
    name, image = place.plane.name, place.image
    adc = store.adc(name, image)
    return PlaneReadout(place.plane, adc, store.waveforms(name, image, adc), store.bad(name, image))
