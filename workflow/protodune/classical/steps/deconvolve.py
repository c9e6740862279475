"""Charge by two-dimensional deconvolution, and regions of interest on it as Wire-Cell finds them (docs/physics.md)."""

from __future__ import annotations

from protodune.classical.deconvolution import deconvolve
from protodune.classical.regions import RegionSettings, find_regions, measured_charge
from protodune.classical.step import PlaneReadout, Step
from protodune.events.products import PlaneProduct


def run(state: PlaneProduct, readout: PlaneReadout, settings: RegionSettings, workers: int) -> None:
    """Make charge and regions of the waveforms."""
    images = deconvolve(state["denoised"], readout.plane, workers)
    state["regions"] = find_regions(images, readout.plane, settings)
    state["charge"] = measured_charge(images, state["regions"], settings)


STEP = Step(run=run, settings=RegionSettings)
