"""Products back to ROOT, so that the LArSoft side can take them up (docs/data_format.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import uproot

from protodune.core.files import atomic_path
from protodune.events.regions import runs

LAYOUT, LAYOUT_VERSION = "protodune-denoised", 2


@dataclass
class DenoisedPlane:
    """One plane of one event: ids, ``channel`` uint32 (n,), ``adc`` float32 (n, ticks) without pedestal, and
    ``threshold_adc``: values of larger size belong to a region."""

    event_id: tuple[int, int, int]
    channel: np.ndarray
    adc: np.ndarray
    threshold_adc: float


def write_denoised(path: str | Path, planes: Iterable[DenoisedPlane], ticks: int, about: dict) -> tuple[int, int]:
    """Write planes as trees ``denoised`` (one entry per channel) and ``regions`` (one entry per region); return their
    numbers."""
    head = {"layout": LAYOUT, "layout_version": LAYOUT_VERSION, **about}
    ids = {"run": "u4", "subrun": "u4", "event": "u4", "channel": "u4"}
    n_channels = n_regions = 0
    with atomic_path(path) as temporary, uproot.recreate(temporary, compression=uproot.ZLIB(1)) as file:
        file["protodune_about"] = json.dumps(head, sort_keys=True)
        file.mktree("denoised", {**ids, "adc": np.dtype(("f4", (ticks,)))})
        file.mktree("regions", {**ids, "begin": "i4", "end": "i4"})
        for plane in planes:
            row, begin, end = runs(np.abs(plane.adc) > plane.threshold_adc)
            file["denoised"].extend({**_ids(plane, plane.channel), "adc": plane.adc.astype(np.float32)})
            columns = {"begin": begin.astype(np.int32), "end": end.astype(np.int32)}
            file["regions"].extend({**_ids(plane, plane.channel[row]), **columns})
            n_channels, n_regions = n_channels + len(plane.channel), n_regions + len(row)
    return n_channels, n_regions


def _ids(plane: DenoisedPlane, channel: np.ndarray) -> dict[str, np.ndarray]:
    numbers = dict(zip(("run", "subrun", "event"), plane.event_id, strict=True))
    return {**{k: np.full(len(channel), v, np.uint32) for k, v in numbers.items()}, "channel": channel.astype(np.uint32)}
