"""Prediction files: denoised planes of a sample, the same format for networks and classical methods."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
from tqdm import tqdm

from protodune.core.errors import ProtoduneError
from protodune.detector.geometry import PLANE_FAMILIES, PLANES
from protodune.core.hdf5 import create_hdf5, open_checked
from protodune.events.products import PlaneProduct
from protodune.events.types import CLEAN_ADC_PER_COUNT
from protodune.events.store import CHUNK, EventStore

FORMAT = "protodune-predictions"
FORMAT_VERSION = 3
ADC_PER_COUNT = CLEAN_ADC_PER_COUNT

# Stored type and unit a count of each image: charge up to 131,000 electrons a tick in steps of 4, ROI scores in steps of
# 1/255.
_STORED = {"denoised": ("i2", ADC_PER_COUNT, "ADC"), "charge": ("i2", 4.0, "electrons"), "roi": ("u1", 1 / 255, "score")}

Method = Callable[[EventStore, str, int], PlaneProduct]
"""From (store, plane, image) to what a method makes of it."""

log = logging.getLogger(__name__)


class PredictionWriter:
    """Writes the planes of some images of a sample in any order; use ``PredictionWriter.open``."""

    def __init__(self, file: h5py.File, images: list[int], ticks: int):
        self._file, self._place, self._ticks = file, {image: i for i, image in enumerate(images)}, ticks

    @classmethod
    @contextlib.contextmanager
    def open(
        cls, path: str | Path, store: EventStore, planes: tuple[str, ...], about: dict, images: list[int] | None = None
    ) -> Iterator[PredictionWriter]:
        """Create a prediction file for all or some images of ``store``; it appears whole or not at all."""
        images = list(range(len(store))) if images is None else images
        with create_hdf5(path) as file:
            file.attrs["format"], file.attrs["format_version"] = FORMAT, FORMAT_VERSION
            file.attrs["about"] = json.dumps(about, sort_keys=True)
            file["images/apa"] = store.apa[images]
            for column, name in enumerate(("run", "subrun", "event")):
                file[f"images/{name}"] = np.array([store.event_id(i)[column] for i in images], np.uint32)
            file["images/seconds"] = np.full(len(images), np.nan, np.float32)
            for plane in planes:
                file.create_group(plane)
            yield cls(file, images, store.ticks)

    def write(self, plane: str, image: int, product: PlaneProduct) -> None:
        """Store what a method made of one plane; the same images in every call."""
        for name, values in product.images().items():
            low, high = float(values.min()), float(values.max())  # NaN and infinity show here too
            if not (np.isfinite(low) and np.isfinite(high)):
                raise ProtoduneError(
                    f"image {image} plane {plane}: '{name}' holds NaN or infinity; retrain or check the input"
                )
            kind, unit, _ = _STORED[name]
            limits = np.iinfo(kind)
            counts = values * np.float32(1 / unit)
            np.rint(counts, out=counts)
            if min(low, -high) / unit <= -limits.max:
                np.clip(counts, max(limits.min, -limits.max), limits.max, out=counts)
            self._dataset(plane, name)[self._place[image]] = counts.astype(kind)

    def took(self, image: int, seconds: float) -> None:
        """Store how long it took to read, clean and write the planes of an image."""
        self._file["images/seconds"][self._place[image]] = seconds

    def copy(self, part: h5py.File, image: int) -> None:
        """Take over the planes of one image from a file that holds it alone; compressed chunks go as they are."""
        self.took(image, part["images/seconds"][0])
        for plane in (p for p in PLANES if p in part):
            for name, source in part[plane].items():
                target = self._dataset(plane, name).id
                for number in range(source.id.get_num_chunks()):
                    offset = source.id.get_chunk_info(number).chunk_offset
                    mask, chunk = source.id.read_direct_chunk(offset)
                    target.write_direct_chunk((self._place[image], *offset[1:]), chunk, mask)

    def _dataset(self, plane: str, name: str) -> h5py.Dataset:
        if name not in self._file[plane]:
            kind, unit, about = _STORED[name]
            shape = (len(self._place), PLANES[plane].n_channels, self._ticks)
            chunk = (1, min(CHUNK[1], shape[1]), min(CHUNK[2], shape[2]))
            dataset = self._file[plane].create_dataset(name, shape, kind, chunks=chunk, **hdf5plugin.Bitshuffle(cname="lz4"))
            dataset.attrs["unit_per_count"], dataset.attrs["unit"] = unit, about
        return self._file[plane][name]


class Predictions:
    """Reads a prediction file; a context manager."""

    def __init__(self, path: str | Path):
        self.path = str(path)
        self._file = open_checked(path, FORMAT, FORMAT_VERSION, "infer")
        self.about: dict = json.loads(self._file.attrs["about"])
        self.roi_threshold: float = self.about.get("roi_threshold", 0.5)
        """ROI score from which on the method takes a pixel for signal."""
        self.seconds: np.ndarray = self._file["images/seconds"][:]
        """How long each image took to read, clean and write, float32 (images,), start-up left out."""

    def __enter__(self) -> Predictions:
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def has(self, name: str) -> bool:
        """Whether every plane has this image: ``denoised``, ``charge`` or ``roi``."""
        return all(name in self._file[plane] for plane in PLANES if plane in self._file)

    def denoised(self, plane: str, image: int) -> np.ndarray:
        """Denoised waveforms, float32 (channels, ticks), ADC."""
        return self._image(plane, "denoised", image)

    def charge(self, plane: str, image: int) -> np.ndarray:
        """Charge that reached the wires, float32 (channels, ticks), electrons a tick."""
        return self._image(plane, "charge", image)

    def roi(self, plane: str, image: int) -> np.ndarray:
        """Score from 0 to 1 that a pixel belongs to a region of interest, float32 (channels, ticks)."""
        return self._image(plane, "roi", image)

    def _image(self, plane: str, name: str, image: int) -> np.ndarray:
        if f"{plane}/{name}" not in self._file:
            raise ProtoduneError(
                f"{self.path}: has no '{name}' of plane {plane}; run the stage 'infer' again, or choose a "
                "method that makes it"
            )
        dataset = self._file[f"{plane}/{name}"]
        return dataset[image] * np.float32(dataset.attrs["unit_per_count"])

    def check_matches(self, store: EventStore) -> None:
        """Raise a ProtoduneError unless the images are those of ``store``."""
        ids = zip(*(self._file[f"images/{k}"][:].tolist() for k in ("run", "subrun", "event", "apa")), strict=True)
        wanted = [(*store.event_id(i), int(store.apa[i])) for i in range(len(store))]
        if list(ids) != wanted:
            raise ProtoduneError(f"{self.path}: made from other events than {store.path}; run the stage 'infer' again")


def predict_sample(method: Method, events: str, family: str, output: str, about: dict, code: str = "") -> None:
    """Run a method over the planes of a family in every image of a sample and write the predictions; bad channels: 0.

    Each image is on disk as soon as it is done, in a folder beside ``output`` that the last one clears away.  A run that was
    interrupted goes on where it stopped, if ``about``, ``code`` and the events are the same.
    """
    planes = PLANE_FAMILIES[family]
    about = {**about, "family": family, "events": events}
    state = Path(events).stat()
    same = json.dumps([about, code, state.st_size, state.st_mtime_ns], sort_keys=True)
    parts = Path(f"{output}.parts")
    with EventStore(events) as store:
        for image in tqdm(range(len(store)), desc=f"infer {family}", unit="image", disable=None):
            part = _part_path(parts, same, image)
            if part.is_file():
                log.info("image %d/%d: done by an earlier run", image + 1, len(store))
                continue
            started = time.perf_counter()
            with PredictionWriter.open(part, store, planes, about, [image]) as writer:
                for plane in planes:
                    product = method(store, plane, image)
                    for values in product.images().values():
                        values[store.bad(plane, image)] = 0
                    writer.write(plane, image, product)
                writer.took(image, time.perf_counter() - started)
            log.info("image %d/%d: event %s APA %d", image + 1, len(store), store.event_id(image), store.apa[image])
        with PredictionWriter.open(output, store, planes, about) as writer:
            for image in range(len(store)):
                with h5py.File(_part_path(parts, same, image), "r") as part:
                    writer.copy(part, image)
    shutil.rmtree(parts, ignore_errors=True)


def _part_path(folder: Path, same: str, image: int) -> Path:
    """Return where the predictions of one image wait; parts of other settings have other names."""
    return folder / f"{hashlib.sha256(same.encode()).hexdigest()[:16]}.{image:06d}.h5"
