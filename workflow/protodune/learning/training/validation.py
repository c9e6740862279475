"""The reported losses over all validation patches."""

from __future__ import annotations

import numpy as np
import torch

from protodune.learning.training.data import Loader
from protodune.learning.training.run import Run


@torch.no_grad()
def validate(run: Run, loader: Loader) -> torch.Tensor:
    """Return the mean of each output's reported loss over all validation patches and ranks, float64 (outputs,)."""
    run.module.eval()
    sums = torch.cat([run.nothing(), torch.zeros(1, dtype=torch.float64)])
    for indices in run.mine(np.arange(len(loader.val))):
        features, labels = loader.load(loader.val, indices)
        with run.autocast():
            images = run.module(features)
        sums[:-1] += run.reported(images.double(), {name: label.double() for name, label in labels.items()}) * len(indices)
        sums[-1] += len(indices)
        run.watchdog.progress("validation")
    sums = run.ranks.total(sums)
    return sums[:-1] / sums[-1]
