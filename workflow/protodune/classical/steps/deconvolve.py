"""Charge by two-dimensional deconvolution, and regions of interest on it as Wire-Cell finds them (docs/physics.md)."""

from __future__ import annotations

from dataclasses import dataclass, field

from protodune.classical.charge import ChargeSettings, measured_charge
from protodune.classical.deconvolution import deconvolve
from protodune.classical.regions import RegionSettings, find_regions
from protodune.classical.step import PlaneReadout, Step
from protodune.events.products import PlaneProduct


@dataclass(frozen=True)
class Settings(RegionSettings):
    """Those of the regions, and with ``charge`` those of their charge."""

    charge: ChargeSettings = field(default_factory=ChargeSettings)


def run(state: PlaneProduct, readout: PlaneReadout, settings: Settings, workers: int) -> None:
    """Make regions of the waveforms, and charge with its error."""
    images = deconvolve(state["denoised"], readout.plane, workers)
    state["regions"] = find_regions(images, readout.plane, settings)
    measured = measured_charge(images.charge, state["regions"], readout.plane, settings.charge)
    state["charge"], state["charge_error"] = measured.charge, measured.error


STEP = Step(run=run, settings=Settings)
