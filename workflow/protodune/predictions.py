"""Prediction files: denoised planes of a sample, the same format for networks and classical methods."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
from tqdm import tqdm

from protodune.errors import ProtoduneError
from protodune.geometry import PLANE_FAMILIES, PLANES
from protodune.hdf5 import create_hdf5, open_checked
from protodune.rawio.events import CLEAN_ADC_PER_COUNT
from protodune.store import BAD_CHANNEL, CHUNK, EventStore

FORMAT = "protodune-predictions"
FORMAT_VERSION = 1
ADC_PER_COUNT = CLEAN_ADC_PER_COUNT

Method = Callable[[EventStore, str, int], np.ndarray]
"""From (store, plane, image) to denoised waveforms, float32 (channels, ticks), ADC."""

log = logging.getLogger(__name__)


class PredictionWriter:
    """Writes the planes of a sample in any order; use ``PredictionWriter.open``."""

    def __init__(self, file: h5py.File):
        self._file = file

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: str | Path, store: EventStore, planes: tuple[str, ...], about: dict) -> Iterator[PredictionWriter]:
        """Create a prediction file for the images of ``store``; it appears whole or not at all."""
        with create_hdf5(path) as file:
            file.attrs["format"], file.attrs["format_version"] = FORMAT, FORMAT_VERSION
            file.attrs["about"] = json.dumps(about, sort_keys=True)
            file["images/apa"] = store.apa
            for column, name in enumerate(("run", "subrun", "event")):
                ids = [store.event_id(i)[column] for i in range(len(store))]
                file[f"images/{name}"] = np.array(ids, np.uint32)
            for plane in planes:
                shape = (len(store), PLANES[plane].n_channels, store.ticks)
                chunk = (1, min(CHUNK[1], shape[1]), min(CHUNK[2], shape[2]))
                dataset = file.create_dataset(
                    f"{plane}/denoised", shape, "i2", chunks=chunk, **hdf5plugin.Bitshuffle(cname="lz4")
                )
                dataset.attrs["adc_per_count"], dataset.attrs["unit"] = ADC_PER_COUNT, "ADC"
            yield cls(file)

    def write(self, plane: str, image: int, denoised: np.ndarray) -> None:
        """Store one plane, float (channels, ticks) in ADC, pedestal-free, as counts of 1/8 ADC."""
        if not np.isfinite(denoised).all():
            raise ProtoduneError(
                f"image {image} plane {plane}: the prediction holds NaN or infinity; retrain or check the input"
            )
        self._file[f"{plane}/denoised"][image] = np.clip(np.rint(denoised / ADC_PER_COUNT), -32767, 32767)


class Predictions:
    """Reads a prediction file; a context manager."""

    def __init__(self, path: str | Path):
        self.path = str(path)
        self._file = open_checked(path, FORMAT, FORMAT_VERSION, "infer")
        self.about: dict = json.loads(self._file.attrs["about"])

    def __enter__(self) -> Predictions:
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def denoised(self, plane: str, image: int) -> np.ndarray:
        """Denoised waveforms, float32 (channels, ticks), ADC."""
        if plane not in self._file:
            raise ProtoduneError(f"{self.path}: has no plane {plane}; run the stage 'infer' again")
        dataset = self._file[f"{plane}/denoised"]
        return dataset[image] * np.float32(dataset.attrs["adc_per_count"])

    def check_matches(self, store: EventStore) -> None:
        """Raise a ProtoduneError unless the images are those of ``store``."""
        ids = zip(*(self._file[f"images/{k}"][:].tolist() for k in ("run", "subrun", "event", "apa")), strict=True)
        wanted = [(*store.event_id(i), int(store.apa[i])) for i in range(len(store))]
        if list(ids) != wanted:
            raise ProtoduneError(f"{self.path}: made from other events than {store.path}; run the stage 'infer' again")


def predict_sample(method: Method, events: str, family: str, output: str, about: dict) -> None:
    """Run a method over the planes of a family in every image of a sample and write the predictions; bad channels: 0."""
    planes = PLANE_FAMILIES[family]
    about = {**about, "family": family, "events": events}
    with EventStore(events) as store, PredictionWriter.open(output, store, planes, about) as writer:
        for image in tqdm(range(len(store)), desc=f"infer {family}", unit="image", disable=None):
            for plane in planes:
                denoised = method(store, plane, image)
                denoised[(store.status(plane, image) & BAD_CHANNEL) != 0] = 0
                writer.write(plane, image, denoised)
            log.info("image %d/%d: event %s APA %d", image + 1, len(store), store.event_id(image), store.apa[image])
