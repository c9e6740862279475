"""Patch files as the training reads them; ``patches`` writes them."""

from __future__ import annotations

import numpy as np

from protodune.core.errors import ProtoduneError
from protodune.core.hdf5 import open_checked

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
        self._images = [{name: f[name] for name in ("features", "clean", "roi")} for f in self._files]
        self._n_features = self._images[0]["features"].shape[1]

    def __len__(self) -> int:
        return int(self._bounds[-1])

    def read(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return features float32 (n, n_features, h, w) and clean float32 (n, 1, h, w), ADC, and regions of interest float32
        (n, 1, h, w), 0 or 1, of the given patches in that order."""
        h, w = self.patch_shape
        features = np.empty((len(indices), self._n_features, h, w), np.float32)
        clean, roi = np.empty((2, len(indices), 1, h, w), np.float32)
        owners = np.searchsorted(self._bounds, indices, side="right") - 1
        # One by one: h5py takes forty times as long for a list of indices.
        for place, (index, owner) in enumerate(zip(indices.tolist(), owners.tolist(), strict=True)):
            local, images = index - int(self._bounds[owner]), self._images[owner]
            np.multiply(images["features"][local], np.float32(ADC_PER_COUNT), out=features[place])
            np.multiply(images["clean"][local], np.float32(ADC_PER_COUNT), out=clean[place, 0])
            roi[place, 0] = images["roi"][local]
        return features, clean, roi

    def close(self) -> None:
        """Close all files."""
        for file in self._files:
            file.close()
