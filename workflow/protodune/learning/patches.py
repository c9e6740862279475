"""Training patches: crops of planes with a set share that holds signal, or the tiles of whole planes.

A patch file holds integers, so that any part of it can be read without touching the rest.
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

from protodune.core.errors import ProtoduneError
from protodune.core.hdf5 import create_hdf5
from protodune.events.making import places
from protodune.events.products import Place
from protodune.events.store import EventStore
from protodune.events.truth import rebinned
from protodune.learning.featureset import Inputs, check_inputs, find_features
from protodune.learning.patch_files import FORMAT, FORMAT_VERSION
from protodune.learning.tiles import plan_tiles
from protodune.tasks.labels import clean_waveforms
from protodune.tasks.spec import LABEL_ADC_PER_COUNT, find_task

SIGNAL_ADC = 0.5
"""A pixel has signal from here on: where the integer digits of a noise-free simulation differ from zero."""
ADC_PER_COUNT = LABEL_ADC_PER_COUNT

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PatchSettings:
    """How patches are drawn: ``crop`` draws ``per_image`` crops of height x width, a share ``signal_fraction`` of them
    on a pixel with signal (as DUNEdn does); ``tile`` takes the tiles of the whole plane, at most ``per_image``.
    ``features``: name of a feature set, sizes are in its pixels; ``task``: name of the task, whose labels they hold."""

    mode: str
    height: int
    width: int
    per_image: int
    signal_fraction: float = 0.5
    seed: int = 1
    features: str = "waveform"
    task: str = "denoise"

    def __post_init__(self):
        if self.mode not in ("crop", "tile"):
            raise ProtoduneError(f"patches.mode: found '{self.mode}', expected crop or tile")
        if min(self.height, self.width, self.per_image) < 1:
            raise ProtoduneError("patches: height, width and per_image must be at least 1")
        if not 0 <= self.signal_fraction <= 1:
            raise ProtoduneError(f"patches.signal_fraction: found {self.signal_fraction}, expected 0 to 1")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width


def crop_corners(clean: np.ndarray, settings: PatchSettings, rng: np.random.Generator) -> np.ndarray:
    """Draw the upper left corners of crops, int64 (per_image, 2).

    Centres are uniform, with replacement, over the pixels with signal (|clean| >= 0.5 ADC) for the first
    ``signal_fraction`` of the crops and over the others for the rest, then moved so that the crop lies inside.  A plane
    without signal (or without background) gives all crops from what it has.
    """
    size = np.array(settings.size)
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
    plan = plan_tiles(shape, settings.size, (0, 0))
    corners = np.array([(r.start, c.start) for r, c in plan])
    if len(corners) > settings.per_image:
        corners = corners[np.sort(rng.choice(len(corners), settings.per_image, replace=False))]
    return corners


def to_counts(values: np.ndarray, kind: str = "i2", per_count: float = ADC_PER_COUNT) -> np.ndarray:
    """Round values to whole multiples of ``per_count``, as integers of ``kind``."""
    limits = np.iinfo(kind)
    return np.clip(np.rint(values / per_count), max(limits.min, -limits.max), limits.max).astype(kind)


def write_patches(
    events: str | Path, family: str, settings: PatchSettings, target: str | Path, inputs: Inputs | None = None
) -> int:
    """Write the patches of a sample and a family of planes; return their number.

    ``features`` int16 (n, n_features, height, width), counts of 1/8 ADC; ``labels/OUTPUT`` (n, height, width), one for each
    label of the task, in steps of its ``per_count``; for sets that can be varied ``clean`` (n, height, width), the
    noise-free waveforms in counts of 1/8 ADC; ``origin`` int32 (n, 4): image, plane (its place in the family), first row,
    first pixel along time.  ``inputs``: products of earlier steps that the feature set reads.
    """
    chosen, task = find_features(settings.features), find_task(settings.task)
    inputs = inputs or {}
    with EventStore(events) as store, create_hdf5(target) as file:
        check_inputs(settings.features, inputs, store, family)
        writer = _Writer(file, store, settings, inputs)
        progress = tqdm(range(len(store)), desc=f"{settings.mode} {family}", unit="image", disable=None)
        for image in progress:
            for index, [place] in enumerate(places(store, family, "plane", [image])):
                writer.add(place, index)
        file["origin"] = np.concatenate(writer.origins).astype(np.int32) if writer.origins else np.zeros((0, 4), np.int32)
        file.attrs.update(
            {
                "format": FORMAT,
                "format_version": FORMAT_VERSION,
                "adc_per_count": ADC_PER_COUNT,
                "task": settings.task,
                "features": settings.features,
                "augment": chosen.augment,
                "detector": store.detector.name,
                "detector_version": store.detector.version,
                "family": family,
                "about": json.dumps({"settings": vars(settings), "head": task.head, "events": store.about}, sort_keys=True),
            }
        )
        return len(file["origin"])


class _Writer:
    """Cuts planes into patches and appends them to a file."""

    def __init__(self, file: h5py.File, store: EventStore, settings: PatchSettings, inputs: Inputs):
        self._store, self._settings, self._inputs = store, settings, inputs
        self._chosen, self._labels = find_features(settings.features), find_task(settings.task).labels
        self.origins: list[np.ndarray] = []
        size = settings.size
        self._datasets = {"features": _growing(file, "features", (len(self._chosen.names), *size))}
        for name, label in self._labels.items():
            self._datasets[name] = _growing(file, f"labels/{name}", size, label.kind)
            self._datasets[name].attrs["per_count"] = label.per_count
        self._extra_clean = False
        if self._chosen.augment == "waveform":
            same = next((n for n, label in self._labels.items() if label.build is clean_waveforms), None)
            if same is not None:
                file["clean"] = self._datasets[same]  # a link: nothing is stored twice
            else:
                self._datasets["clean"] = _growing(file, "clean", size)
                self._extra_clean = True

    def add(self, place: Place, index: int) -> None:
        """Append the patches of one plane, which is the family's ``index``th in its unit."""
        name, image, settings = place.plane.name, place.image, self._settings
        rng = np.random.default_rng([settings.seed, image, index])
        fine = clean_waveforms(self._store, name, image)
        clean = fine if self._chosen.rebin == 1 else rebinned(fine, self._chosen.rebin)
        if settings.height > clean.shape[0] or settings.width > clean.shape[1]:
            raise ProtoduneError(
                f"{self._store.path}: patch {settings.height}x{settings.width}, expected at most the plane's "
                f"{clean.shape[0]}x{clean.shape[1]} (channels x pixels along time); choose a smaller patch set"
            )
        draw = crop_corners(clean, settings, rng) if settings.mode == "crop" else tile_corners(clean.shape, settings, rng)
        windows = [(slice(r, r + settings.height), slice(t, t + settings.width)) for r, t in draw.tolist()]
        features = self._chosen.build(self._store, name, image, self._inputs)
        self._extend("features", [to_counts(features[:, r, t]) for r, t in windows])
        bad = self._store.bad(name, image)
        for output, label in self._labels.items():
            values = fine if label.build is clean_waveforms else label.build(self._store, name, image)
            values = values.copy() if self._chosen.rebin == 1 else label.coarse(values, self._chosen.rebin)
            # A channel without a waveform is not held against the network.
            values[bad] = label.bad
            self._extend(output, [to_counts(values[r, t], label.kind, label.per_count) for r, t in windows])
        if self._extra_clean:
            clean[bad] = 0
            self._extend("clean", [to_counts(clean[r, t]) for r, t in windows])
        self.origins.append(np.insert(draw, 0, [[image], [index]], axis=1))
        log.info("%s: image %d plane %s: %d patches", self._store.path, image, name, len(windows))

    def _extend(self, name: str, values: list[np.ndarray]) -> None:
        dataset = self._datasets[name]
        size = dataset.shape[0]
        dataset.resize(size + len(values), axis=0)
        dataset[size:] = np.stack(values)


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
