"""Keep waveforms in regions of interest only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protodune.classical.step import PlaneReadout, Step
from protodune.core.errors import ProtoduneError
from protodune.events.products import PlaneProduct
from protodune.events.regions import from_runs, runs


@dataclass(frozen=True)
class Settings:
    """``extend_before`` and ``extend_after``: ticks around a region that are kept too."""

    extend_before: int = 0
    extend_after: int = 0


def keep(state: PlaneProduct, readout: PlaneReadout, settings: Settings, workers: int) -> None:
    """Set waveforms outside the regions to zero."""
    if "regions" not in state:
        raise ProtoduneError("steps: 'in_regions' needs regions; expected 'threshold_regions' or 'deconvolve' before it")
    row, begin, end = runs(state["regions"])
    kept = from_runs(row, begin - settings.extend_before, end + settings.extend_after, state["regions"].shape)
    state["denoised"] = np.where(kept, state["denoised"], 0)


STEP = Step(run=keep, settings=Settings)
