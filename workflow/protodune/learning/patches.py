"""Training patches: crops of planes with a set share that holds signal, or the tiles of whole planes.

A patch file holds int16 counts of 1/8 ADC, so that any shard of it can be read without touching the rest.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
from tqdm import tqdm

from protodune.learning.features.registry import FEATURE_MODULES, feature_set
from protodune.learning.patch_files import ADC_PER_COUNT, FORMAT, FORMAT_VERSION
from protodune.learning.tiles import plan_tiles
from protodune.core.errors import ProtoduneError
from protodune.detector.geometry import PLANE_FAMILIES
from protodune.core.hdf5 import create_hdf5
from protodune.events.truth import LABEL_ADC, ROI_REBIN_TICKS, rebinned, roi_truth
from protodune.events.store import EventStore

SIGNAL_ADC = 0.5
"""A pixel has signal from here on: where the integer digits of a noise-free simulation differ from zero."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PatchSettings:
    """How patches are drawn: ``crop`` draws ``per_image`` crops of height x width, a share ``signal_fraction`` of them
    on a pixel with signal (the DUNEdn way); ``tile`` takes the tiles of the whole plane, at most ``per_image``.
    ``features``: a set of ``data.features``; sizes are in its pixels."""

    mode: str
    height: int
    width: int
    per_image: int
    signal_fraction: float = 0.5
    seed: int = 1
    features: str = "waveform"

    def __post_init__(self):
        if self.mode not in ("crop", "tile"):
            raise ProtoduneError(f"patches.mode: found '{self.mode}', expected crop or tile")
        if self.features not in FEATURE_MODULES:
            raise ProtoduneError(f"patches.features: found '{self.features}', expected {' or '.join(FEATURE_MODULES)}")
        if min(self.height, self.width, self.per_image) < 1:
            raise ProtoduneError("patches: height, width and per_image must be at least 1")
        if not 0 <= self.signal_fraction <= 1:
            raise ProtoduneError(f"patches.signal_fraction: found {self.signal_fraction}, expected 0 to 1")


def crop_corners(clean: np.ndarray, settings: PatchSettings, rng: np.random.Generator) -> np.ndarray:
    """Draw the upper left corners of crops, int64 (per_image, 2).

    Centres are uniform, with replacement, over the pixels with signal (|clean| >= 0.5 ADC) for the first
    ``signal_fraction`` of the crops and over the others for the rest, then moved so that the crop lies inside.  A plane
    without signal (or without background) gives all crops from what it has.
    """
    size = np.array([settings.height, settings.width])
    has_signal = np.abs(clean) >= SIGNAL_ADC
    signal = np.flatnonzero(has_signal)
    n_signal = round(settings.per_image * settings.signal_fraction)
    if signal.size == 0:
        n_signal = 0
    centres = []
    if n_signal:
        centres.append(rng.choice(signal, n_signal))
    n_other = settings.per_image - n_signal
    if n_other:
        background = np.flatnonzero(~has_signal)
        centres.append(rng.choice(background if background.size else signal, n_other))
    rows, ticks = np.unravel_index(np.concatenate(centres), clean.shape)
    corners = np.stack([rows, ticks], axis=1) - size // 2
    return np.clip(corners, 0, np.array(clean.shape) - size)


def tile_corners(shape: tuple[int, int], settings: PatchSettings, rng: np.random.Generator) -> np.ndarray:
    """Return the corners of the tiles that cover a plane, int64 (n, 2); a random choice if more than ``per_image``."""
    plan = plan_tiles(shape, (settings.height, settings.width), (0, 0))
    corners = np.array([(r.start, c.start) for r, c in plan])
    if len(corners) > settings.per_image:
        corners = corners[np.sort(rng.choice(len(corners), settings.per_image, replace=False))]
    return corners


def to_counts(values: np.ndarray) -> np.ndarray:
    """Round ADC to int16 counts of 1/8 ADC."""
    return np.clip(np.rint(values / ADC_PER_COUNT), -32767, 32767).astype(np.int16)


def write_patches(events: str | Path, family: str, settings: PatchSettings, target: str | Path) -> int:
    """Write the patches of a sample and a plane family (induction: U and V); return their number.

    ``features`` int16 (n, n_features, height, width), ``clean`` int16 (n, height, width), counts of 1/8 ADC; ``roi`` uint8
    (n, height, width); ``origin`` int32 (n, 4): image, plane (index in the family), first row, first pixel along time.
    """
    chosen = feature_set(settings.features)
    with EventStore(events) as store, create_hdf5(target) as file:
        size = (settings.height, settings.width)
        features = _growing(file, "features", (len(chosen.names), *size))
        clean_set, roi_set = _growing(file, "clean", size), _growing(file, "roi", size, "u1")
        origins = []
        bar = tqdm(range(len(store)), desc=f"{settings.mode} {family}", unit="image", disable=None)
        for image in bar:
            for plane_index, plane in enumerate(PLANE_FAMILIES[family]):
                rng = np.random.default_rng([settings.seed, image, plane_index])
                clean = store.clean(plane, image)
                roi = roi_label(store, plane, image, clean)
                if chosen.rebin > 1:
                    clean, roi = rebinned(clean, chosen.rebin), rebinned(roi, chosen.rebin) > 0.5
                if settings.height > clean.shape[0] or settings.width > clean.shape[1]:
                    raise ProtoduneError(
                        f"{events}: patch {settings.height}x{settings.width}, expected at most the plane's "
                        f"{clean.shape[0]}x{clean.shape[1]} (channels x ticks); choose a smaller patch set"
                    )
                corners = (
                    crop_corners(clean, settings, rng)
                    if settings.mode == "crop"
                    else tile_corners(clean.shape, settings, rng)
                )
                inputs = chosen.build(store, plane, image)
                # A bad channel has no waveform: its output is zero, and it is not held against the network.
                bad = store.bad(plane, image)
                clean[bad], roi[bad] = 0, 0
                windows = [(slice(r, r + size[0]), slice(t, t + size[1])) for r, t in corners.tolist()]
                _extend(features, np.stack([to_counts(inputs[:, r, t]) for r, t in windows]))
                _extend(clean_set, np.stack([to_counts(clean[r, t]) for r, t in windows]))
                _extend(roi_set, np.stack([roi[r, t] for r, t in windows]))
                origins.append(np.insert(corners, 0, [[image], [plane_index]], axis=1))
                log.info("%s: image %d plane %s: %d patches", events, image, plane, len(windows))
        file["origin"] = np.concatenate(origins).astype(np.int32) if origins else np.zeros((0, 4), np.int32)
        file.attrs.update(
            {
                "format": FORMAT,
                "format_version": FORMAT_VERSION,
                "adc_per_count": ADC_PER_COUNT,
                "features": settings.features,
                "family": family,
                "about": json.dumps({"settings": vars(settings), "events": store.about}, sort_keys=True),
            }
        )
        return len(file["origin"])


def roi_label(store: EventStore, plane: str, image: int, clean: np.ndarray) -> np.ndarray:
    """Return which pixels are in a region of interest, uint8 (channels, ticks): ten ticks at a time with more than 100
    electrons a tick, or where the sample has no true charge |clean| of at least 3.5 ADC, DUNEdn's choice."""
    if not store.has_charge:
        return (np.abs(clean) >= LABEL_ADC).astype(np.uint8)
    truth = np.repeat(roi_truth(store.charge_image(plane, image)), ROI_REBIN_TICKS, axis=1)
    return np.pad(truth, ((0, 0), (0, clean.shape[1] - truth.shape[1]))).astype(np.uint8)


def _growing(file: h5py.File, name: str, shape: tuple[int, ...], kind: str = "i2") -> h5py.Dataset:
    # Small crops share a chunk, or the index would outweigh the data.
    per_chunk = max(1, 65536 // int(np.prod(shape)))
    return file.create_dataset(
        name,
        (0, *shape),
        kind,
        maxshape=(None, *shape),
        chunks=(per_chunk, *shape),
        **hdf5plugin.Bitshuffle(cname="lz4"),
    )


def _extend(dataset: h5py.Dataset, values: np.ndarray) -> None:
    size = dataset.shape[0]
    dataset.resize(size + len(values), axis=0)
    dataset[size:] = values
