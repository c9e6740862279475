"""Patch files as the training reads them; ``patches`` writes them."""

from __future__ import annotations

import numpy as np

from protodune.errors import ProtoduneError
from protodune.hdf5 import open_checked

FORMAT = "protodune-patches"
FORMAT_VERSION = 3
ADC_PER_COUNT = 0.125


class PatchFiles:
    """Several patch files as one indexed collection; opened lazily, so that each worker reads only what it asks for."""

    def __init__(self, paths: list[str]):
        self._files = [open_checked(p, FORMAT, FORMAT_VERSION, "prepare") for p in paths]
        sizes = {f["clean"].shape[1:] for f in self._files}
        if len(sizes) > 1:
            raise ProtoduneError(f"{', '.join(map(str, paths))}: patches of sizes {sorted(sizes)}, expected one size")
        counts = [f["clean"].shape[0] for f in self._files]
        self._bounds = np.concatenate([[0], np.cumsum(counts)])
        self.patch_shape: tuple[int, int] = sizes.pop()
        sets = {str(f.attrs["features"]) for f in self._files}
        if len(sets) > 1:
            raise ProtoduneError(f"{', '.join(map(str, paths))}: features {' and '.join(sorted(sets))}, expected one set")
        self.features = sets.pop()
        self._n_features = self._files[0]["features"].shape[1]

    def __len__(self) -> int:
        return int(self._bounds[-1])

    def read(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return features float32 (n, n_features, h, w) and clean float32 (n, 1, h, w), ADC, and regions of interest float32
        (n, 1, h, w), 0 or 1, of the given patches in that order."""
        h, w = self.patch_shape
        features = np.empty((len(indices), self._n_features, h, w), np.float32)
        clean, roi = np.empty((2, len(indices), 1, h, w), np.float32)
        owner = np.searchsorted(self._bounds, indices, side="right") - 1
        for number, file in enumerate(self._files):
            mine = np.flatnonzero(owner == number)
            if mine.size == 0:
                continue
            local = indices[mine] - self._bounds[number]
            order = np.argsort(local, kind="stable")
            unique, back = np.unique(local[order], return_inverse=True)  # HDF5 wants ascending, distinct indices
            features[mine[order]] = file["features"][unique][back]
            clean[mine[order], 0] = file["clean"][unique][back]
            roi[mine[order], 0] = file["roi"][unique][back]
        return features * np.float32(ADC_PER_COUNT), clean * np.float32(ADC_PER_COUNT), roi

    def close(self) -> None:
        """Close all files."""
        for file in self._files:
            file.close()
