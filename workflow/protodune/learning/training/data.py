"""The order of the patches, and how they come to the device.

An epoch visits every patch once, in an order that depends on seed and epoch only.  A step is ``global_batch`` patches in
micro-batches, of which a rank reads its own and no other (``Run.mine``).
"""

from __future__ import annotations

import logging

import numpy as np
import torch

from protodune.core.errors import ProtoduneError
from protodune.learning.patch_files import PatchFiles
from protodune.learning.training.augment import augment
from protodune.learning.training.run import Run

log = logging.getLogger(__name__)

Loaded = tuple[torch.Tensor, dict[str, torch.Tensor]]
"""Features (n, n_features, h, w) and labels by output, each (n, 1, h, w), on the device."""


def epoch_order(n_patches: int, seed: int, epoch: int) -> np.ndarray:
    """Return the order in which an epoch visits the patches: a permutation that depends on seed and epoch only."""
    return np.random.default_rng([seed, epoch]).permutation(n_patches)


def check_patches(run: Run, train: PatchFiles, val: PatchFiles) -> None:
    """Raise a ProtoduneError unless a network can be trained on these patches; warn of ranks that will wait."""
    network, opt, ranks = run.network, run.opt, run.ranks
    for files in (train, val):
        if files.task != run.settings.task:
            raise ProtoduneError(
                f"training: patches of the task '{files.task}', but the training is for '{run.settings.task}'; give patches "
                "of its task"
            )
        if files.features != network.spec.features:
            raise ProtoduneError(
                f"training: patches of features '{files.features}', but {network.name} takes '{network.spec.features}'; "
                f"give patches of the features '{network.spec.features}'"
            )
        if files.family != run.settings.family:
            raise ProtoduneError(f"training: patches of {files.family} planes, expected those of {run.settings.family}")
    detectors = sorted({*train.detectors, *val.detectors})
    if len(detectors) > 1 and not run.settings.mixed_detectors:
        raise ProtoduneError(
            f"training: patches of the detectors {' and '.join(detectors)}, expected one; give samples of one detector, or "
            "set mixed_detectors"
        )
    if len(train) < opt.global_batch or len(val) == 0:
        raise ProtoduneError(
            f"training: {len(train)} training and {len(val)} validation patches, expected at least "
            f"global_batch = {opt.global_batch} and 1; raise per_image of the patch set or add samples"
        )
    if ranks.size > len(train):
        raise ProtoduneError(
            f"training: {ranks.size} ranks for {len(train)} training patches, expected at most one per patch; "
            "use fewer ranks or add samples"
        )
    shape, step = train.patch_shape, run.module.multiple
    if shape[0] % step[0] or shape[1] % step[1]:
        raise ProtoduneError(
            f"training: patches of {shape[0]} x {shape[1]}, but {network.name} takes multiples of "
            f"{step[0]} x {step[1]}; change height and width of the patch set"
        )
    share = opt.global_batch // opt.micro_batch
    if share % ranks.size and ranks.rank == 0:
        log.warning(
            "%d micro-batches per step (global_batch %d / micro_batch %d) do not divide among %d ranks: some wait for the "
            "others; the result is the same, but fewer ranks or a larger global_batch would waste less",
            share, opt.global_batch, opt.micro_batch, ranks.size,
        )  # fmt: skip


class Loader:
    """Brings patches to the device, varied where the settings want it."""

    def __init__(self, run: Run, train: PatchFiles, val: PatchFiles):
        self._run, self.train, self.val = run, train, val
        self._ahead: list[Loaded] = []
        self._ahead_of: tuple[int, bytes] | None = None

    def load(self, files: PatchFiles, indices: np.ndarray, epoch: int | None = None) -> Loaded:
        """Return features and labels; varied if an epoch is given."""
        run = self._run
        with run.stopwatch.on("data"):
            vary = epoch is not None and run.opt.augment and files.augment == "waveform"
            patches = files.read(indices, with_clean=vary)
            if vary:
                augment(patches, indices, run.settings.seed, epoch)
        labels = {each.output: torch.from_numpy(patches.labels[each.output]).to(run.device) for each in run.losses}
        return torch.from_numpy(patches.features).to(run.device), labels

    def prepare(self, patches: np.ndarray, epoch: int) -> None:
        """Load this rank's training micro-batches of a step that comes next."""
        self._ahead = [self.load(self.train, indices, epoch) for indices in self._run.mine(patches)]
        self._ahead_of = (epoch, patches.tobytes())

    def prepared(self, patches: np.ndarray, epoch: int) -> list[Loaded] | None:
        """Return what ``prepare`` loaded for this step, if it did."""
        return self._ahead if self._ahead_of == (epoch, patches.tobytes()) else None
