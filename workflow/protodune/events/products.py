"""Product files: what a method makes of the planes of a sample, the same format for networks and classical methods.

A method makes images of a plane: one for each output of its task that it serves, (channels, ticks), or (k, channels, ticks)
for an output of k channels.  All HDF5 names of product files live here (docs/data_format.md).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

from protodune.core.blocks import row_blocks
from protodune.core.errors import ProtoduneError
from protodune.core.hdf5 import create_hdf5, open_checked
from protodune.detector.model import Detector, Plane
from protodune.events.store import CHUNK, EventStore

FORMAT = "protodune-products"
FORMAT_VERSION = 4
ACTIVATIONS = ("none", "sigmoid", "softmax")
DEFAULT_THRESHOLD = 0.5

PlaneProduct = dict[str, np.ndarray]
"""What a method makes of one plane: images by the name of the output, float32 (or bool for regions)."""


@dataclass(frozen=True)
class Output:
    """One image that a task asks for, and how it is stored.

    ``kind``: stored integer type; ``unit`` of the values and ``per_count``: how much of it a count stands for, None: as the
    detector's noise-free waveforms; ``channels``: images that belong together, for instance one per class; ``activation``:
    from what a network gives to values (``none``, ``sigmoid``, or ``softmax`` over the channels).
    """

    name: str
    unit: str
    per_count: float | None
    kind: str = "i2"
    channels: int = 1
    activation: str = "none"

    def __post_init__(self):
        if self.activation not in ACTIVATIONS:
            raise ProtoduneError(f"output {self.name}: activation '{self.activation}', expected {' | '.join(ACTIVATIONS)}")
        if self.channels < 1 or (self.activation == "softmax" and self.channels < 2):
            raise ProtoduneError(f"output {self.name}: {self.channels} channels, expected 1 or more, 2 or more with softmax")

    def shape(self, rows: int, ticks: int) -> tuple[int, ...]:
        """Shape of the image of a plane: (rows, ticks), or (channels, rows, ticks) of several channels."""
        return (rows, ticks) if self.channels == 1 else (self.channels, rows, ticks)


@dataclass(frozen=True)
class Place:
    """One plane of one image of a store."""

    image: int
    plane: Plane


class ProductWriter:
    """Writes the planes of some images of a sample in any order; use ``ProductWriter.open``."""

    def __init__(self, file: h5py.File, outputs: dict[str, Output], images: list[int], store: EventStore):
        self._file, self._outputs, self._store = file, outputs, store
        self._place = {image: i for i, image in enumerate(images)}

    @classmethod
    @contextlib.contextmanager
    def open(
        cls,
        path: str | Path,
        store: EventStore,
        family: str,
        outputs: Sequence[Output],
        about: dict,
        images: list[int] | None = None,
    ) -> Iterator[ProductWriter]:
        """Create a product file for all or some images of ``store``; it appears whole or not at all.

        ``about`` (task, step, method, settings, versions, ...) travels in it.
        """
        images = list(range(len(store))) if images is None else images
        with create_hdf5(path) as file:
            file.attrs["format"], file.attrs["format_version"] = FORMAT, FORMAT_VERSION
            file.attrs["detector"], file.attrs["detector_version"] = store.detector.name, store.detector.version
            file.attrs["about"] = json.dumps({**about, "family": family}, sort_keys=True)
            file["images/unit"] = store.unit[images]
            for column, name in enumerate(("run", "subrun", "event")):
                file[f"images/{name}"] = np.array([store.event_id(i)[column] for i in images], np.uint32)
            file["images/seconds"] = np.full(len(images), np.nan, np.float32)
            for plane in store.detector.family_planes(family):
                file.create_group(plane)
            yield cls(file, {o.name: o for o in outputs}, images, store)

    def write(self, place: Place, product: PlaneProduct) -> None:
        """Store what a method made of one plane; the same outputs in every call."""
        self.write_counts(place, counts_of(place, product, self._outputs.values(), self._store.detector))

    def write_counts(self, place: Place, counts: Mapping[str, np.ndarray]) -> None:
        """Store ``counts_of`` one plane; chunks of zeros take no room."""
        for name, values in counts.items():
            dataset, position = self._dataset(place.plane.name, name), self._place[place.image]
            for chunks in _filled_chunks(values, dataset.chunks[1:]):
                dataset[(position, *chunks)] = values[chunks]

    def took(self, image: int, seconds: float) -> None:
        """Store how long it took to read, clean and write the planes of an image."""
        self._file["images/seconds"][self._place[image]] = seconds

    def copy(self, part: h5py.File, image: int, position: int = 0) -> None:
        """Take over the planes of one image from a file that holds it at ``position``; compressed chunks go as they are."""
        self.took(image, part["images/seconds"][position])
        for plane in (p for p in self._store.detector.plane_names if p in part):
            for name, source in part[plane].items():
                target = self._dataset(plane, name).id
                for number in range(source.id.get_num_chunks()):
                    offset = source.id.get_chunk_info(number).chunk_offset
                    if offset[0] == position:
                        mask, chunk = source.id.read_direct_chunk(offset)
                        target.write_direct_chunk((self._place[image], *offset[1:]), chunk, mask)

    def _dataset(self, plane: str, name: str) -> h5py.Dataset:
        if name not in self._file[plane]:
            output, rows = self._outputs[name], self._store.plane(plane, 0).n_channels
            shape = (len(self._place), *output.shape(rows, self._store.ticks))
            chunk = (*([1] * (len(shape) - 2)), min(CHUNK[1], shape[-2]), min(CHUNK[2], shape[-1]))
            options = hdf5plugin.Bitshuffle(cname="lz4")
            dataset = self._file[plane].create_dataset(name, shape, output.kind, chunks=chunk, **options)
            dataset.attrs["unit_per_count"] = _per_count(output, self._store.detector)
            dataset.attrs["unit"] = output.unit
        return self._file[plane][name]


def counts_of(place: Place, product: PlaneProduct, outputs: Iterable[Output], detector: Detector) -> dict[str, np.ndarray]:
    """Return the images of a plane as they are stored, whole numbers of the kind of each output; what is beyond its limits
    becomes the limit, and NaN or infinity is a ProtoduneError."""
    known = {o.name: o for o in outputs}
    counts = {}
    for name, values in product.items():
        if name not in known:
            raise ProtoduneError(f"output '{name}' is none of this task's: {', '.join(known)}")
        counts[name] = _counts(values, known[name], _per_count(known[name], detector), place)
    return counts


def _counts(values: np.ndarray, output: Output, per_count: float, place: Place) -> np.ndarray:
    counts = np.empty(values.shape, output.kind)
    flat, wanted = values.reshape(-1, values.shape[-1]), counts.reshape(-1, values.shape[-1])
    limits = np.iinfo(output.kind)
    smallest = max(limits.min, -limits.max)
    for rows in row_blocks(len(flat)):
        low, high = float(flat[rows].min()), float(flat[rows].max())  # NaN and infinity show here too
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ProtoduneError(
                f"image {place.image} plane {place.plane.name}: '{output.name}' holds NaN or infinity; train again or check "
                "the input"
            )
        exact = flat[rows] * np.float32(1 / per_count)
        np.rint(exact, out=exact)
        if low / per_count <= smallest or high / per_count >= limits.max:
            np.clip(exact, smallest, limits.max, out=exact)
        wanted[rows] = exact
    return counts


def _per_count(output: Output, detector: Detector) -> float:
    return detector.adc_per_count if output.per_count is None else output.per_count


def _filled_chunks(values: np.ndarray, chunk: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Yield, for each row of chunks that is not all zero, the span from its first to its last chunk that is not."""
    *leading, rows, columns = chunk
    for index in np.ndindex(*values.shape[: len(leading)]):
        for first in range(0, values.shape[-2], rows):
            band = slice(first, min(first + rows, values.shape[-2]))
            filled = np.flatnonzero(values[(*index, band)].any(axis=0))
            if len(filled):
                begin = filled[0] // columns * columns
                end = min(-(-(filled[-1] + 1) // columns) * columns, values.shape[-1])
                yield (*index, band, slice(int(begin), int(end)))


class Products:
    """Reads a product file; a context manager."""

    def __init__(self, path: str | Path):
        self.path = str(path)
        self._file = open_checked(path, FORMAT, FORMAT_VERSION, "infer")
        self.about: dict = json.loads(self._file.attrs["about"])
        self.family: str = self.about["family"]
        self.threshold: float = self.about.get("threshold", DEFAULT_THRESHOLD)
        """Score at which the method takes a pixel for part of a region."""
        self.seconds: np.ndarray = self._file["images/seconds"][:]
        """How long each image took to read, clean and write, float32 (images,), start-up left out."""

    def __enter__(self) -> Products:
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def has(self, name: str) -> bool:
        """Whether this output was made, for any plane of the family."""
        planes = [item for key, item in self._file.items() if key != "images"]
        return bool(planes) and any(name in item for item in planes)

    def names(self) -> list[str]:
        """The outputs that were made, sorted."""
        return sorted({name for key, item in self._file.items() if key != "images" for name in item})

    def image(self, name: str, plane: str, image: int) -> np.ndarray:
        """Return an output of one plane, float32 (channels, ticks), or (k, channels, ticks) for k channels of the output."""
        if f"{plane}/{name}" not in self._file:
            raise ProtoduneError(
                f"{self.path}: has no '{name}' of plane {plane}; run the stage 'infer' again, or choose a method that "
                "makes it"
            )
        dataset = self._file[f"{plane}/{name}"]
        if not 0 <= image < len(dataset):
            raise ProtoduneError(
                f"{self.path}: has no image {image}, expected a number from 0 and below {len(dataset)}, as many as it has"
            )
        return dataset[image] * np.float32(dataset.attrs["unit_per_count"])

    def check_matches(self, store: EventStore) -> None:
        """Raise a ProtoduneError unless the images are those of ``store``."""
        made_for = (self._file.attrs["detector"], int(self._file.attrs["detector_version"]))
        if made_for != (store.detector.name, store.detector.version):
            raise ProtoduneError(
                f"{self.path}: made for detector {made_for[0]} version {made_for[1]}, but {store.path} is of "
                f"{store.detector.name} version {store.detector.version}; run the stage 'infer' again"
            )
        ids = zip(*(self._file[f"images/{k}"][:].tolist() for k in ("run", "subrun", "event", "unit")), strict=True)
        wanted = [(*store.event_id(i), int(store.unit[i])) for i in range(len(store))]
        if list(ids) != wanted:
            raise ProtoduneError(f"{self.path}: made from other events than {store.path}; run the stage 'infer' again")
