"""Charge by two-dimensional deconvolution, and regions of interest on it as Wire-Cell finds them (docs/physics.md)."""

from __future__ import annotations

from dataclasses import dataclass

from protodune.classical.deconvolution import deconvolve
from protodune.classical.regions import find_regions, measured_charge
from protodune.classical.step import PlaneReadout, Step
from protodune.events.products import PlaneProduct


@dataclass(frozen=True)
class RegionSettings:
    """Thresholds in multiples of the noise of each channel: ``tight_sigma`` (on induction; ``collection_sigma`` on
    collection) and ``loose_sigma`` to find regions, ``loose_edge`` down to which a loose region reaches (share of its
    threshold); ``min_peak`` and ``min_charge`` in electrons below which a region is taken for noise; ``trim``, the share
    of its peak below which a region's ends are cut off; ``neighbours``: a region must touch another one on a channel at
    most this far, 0: need not; ``pad`` ticks on either side; ``charge_pad`` more within which charge is counted, so that
    what the filters spread beyond a region is not lost."""

    tight_sigma: float = 2.5
    collection_sigma: float = 5.0
    loose_sigma: float = 3.4
    loose_edge: float = 0.67
    min_peak: float = 375.0
    min_charge: float = 750.0
    trim: float = 0.1
    neighbours: int = 1
    pad: int = 2
    charge_pad: int = 8


def run(state: PlaneProduct, readout: PlaneReadout, settings: RegionSettings, workers: int) -> None:
    """Make charge and regions of the waveforms."""
    images = deconvolve(state["denoised"], readout.plane, workers)
    state["regions"] = find_regions(images, readout.plane, settings)
    state["charge"] = measured_charge(images, state["regions"], settings)


STEP = Step(run=run, settings=RegionSettings)
