"""Patch files as the training reads them; ``patches`` writes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import h5py
import numpy as np

from protodune.core.errors import ProtoduneError
from protodune.core.hdf5 import open_checked

FORMAT = "protodune-patches"
FORMAT_VERSION = 4


@dataclass
class Patches:
    """Some patches: ``features`` float32 (n, n_features, h, w), ``labels`` by output, each float32 (n, 1, h, w), and the
    noise-free waveforms ``clean`` float32 (n, 1, h, w), ADC, where they are wanted for variation: the same array as a label
    that asks for them."""

    features: np.ndarray
    labels: dict[str, np.ndarray]
    clean: np.ndarray | None = None


class PatchFiles:
    """Several patch files as one indexed collection; each process reads only the patches that it asks for."""

    def __init__(self, paths: list[str]):
        self._files = [open_checked(p, FORMAT, FORMAT_VERSION, "prepare") for p in paths]
        text = ", ".join(map(str, paths))
        self.task: str = self._one(text, "tasks", lambda f: str(f.attrs["task"]))
        self.features: str = self._one(text, "features", lambda f: str(f.attrs["features"]))
        self.detectors: list[str] = sorted({str(f.attrs["detector"]) for f in self._files})
        self.family: str = self._one(text, "families", lambda f: str(f.attrs["family"]))
        self.augment: str = self._one(text, "variations", lambda f: str(f.attrs["augment"]))
        self.patch_shape: tuple[int, int] = self._one(text, "sizes", lambda f: f["features"].shape[2:])
        self.labels: list[str] = sorted(self._files[0]["labels"])
        self._bounds = np.concatenate([[0], np.cumsum([len(f["features"]) for f in self._files])])
        self._scale = {name: np.float32(self._files[0][f"labels/{name}"].attrs["per_count"]) for name in self.labels}
        self._clean_label = self._label_that_is_clean(self._files[0])
        self._datasets = [self._open(f) for f in self._files]

    def _one(self, paths: str, what: str, value: Callable) -> object:
        found = {value(f) for f in self._files}
        if len(found) > 1:
            raise ProtoduneError(f"{paths}: {what} {' and '.join(sorted(map(str, found)))}, expected the same in all files")
        return found.pop()

    def _label_that_is_clean(self, file: h5py.File) -> str:
        if "clean" not in file:
            return ""
        return next((name for name in self.labels if file[f"labels/{name}"] == file["clean"]), "")

    def _open(self, file: h5py.File) -> dict[str, h5py.Dataset]:
        found = {"features": file["features"], **{f"labels/{n}": file[f"labels/{n}"] for n in self.labels}}
        return found | ({"clean": file["clean"]} if "clean" in file else {})

    def __len__(self) -> int:
        return int(self._bounds[-1])

    def read(self, indices: np.ndarray, with_clean: bool = False) -> Patches:
        """Return the given patches in that order, ``with_clean`` with their noise-free waveforms, which sets that can be
        varied have."""
        h, w = self.patch_shape
        features = np.empty((len(indices), self._datasets[0]["features"].shape[1], h, w), np.float32)
        labels = {name: np.empty((len(indices), 1, h, w), np.float32) for name in self.labels}
        clean = np.empty((len(indices), 1, h, w), np.float32) if with_clean and not self._clean_label else None
        owners = np.searchsorted(self._bounds, indices, side="right") - 1
        step = np.float32(self._files[0].attrs["adc_per_count"])
        # One by one: h5py takes forty times as long for a list of indices.
        for place, (index, owner) in enumerate(zip(indices.tolist(), owners.tolist(), strict=True)):
            local, datasets = index - int(self._bounds[owner]), self._datasets[owner]
            np.multiply(datasets["features"][local], step, out=features[place])
            for name, images in labels.items():
                np.multiply(datasets[f"labels/{name}"][local], self._scale[name], out=images[place, 0])
            if clean is not None:
                np.multiply(datasets["clean"][local], step, out=clean[place, 0])
        if with_clean and self._clean_label:
            clean = labels[self._clean_label]
        return Patches(features, labels, clean)

    def close(self) -> None:
        """Close all files."""
        for file in self._files:
            file.close()
