"""One step of the optimiser: gradients of this rank's micro-batches, their sum over the ranks, new weights."""

from __future__ import annotations

import numpy as np
import torch

from protodune.core.errors import ProtoduneError
from protodune.learning.training.data import Loader
from protodune.learning.training.gradients import Gradients
from protodune.learning.training.optimisers import make_optimiser
from protodune.learning.training.run import Run


class Stepper:
    """Changes the weights of a network, step by step."""

    def __init__(self, run: Run, loader: Loader, fusion_mb: float = 64.0):
        self._run, self._loader = run, loader
        opt, module = run.opt, run.module
        self._optimizer = make_optimiser(module.parameters(), opt)
        compression = None if opt.compression == "none" else getattr(torch, opt.compression)
        self._gradients = Gradients(module.parameters(), run.ranks, opt.deterministic, compression, fusion_mb)
        # float16 has no exponent to spare: its gradients are scaled up, and steps that overflow are left out.
        self._scaler = _gradient_scaler(run.device.type, opt.precision == "float16")
        self._forward = _compiled(module) if opt.compile else module

    def step(
        self, patches: np.ndarray, epoch: int, learning_rate: float, next_patches: np.ndarray | None = None
    ) -> torch.Tensor:
        """Take a step on ``patches``; return this rank's part of the mean of the reported losses, float64 (outputs,).

        ``next_patches``: those of the next step, which are read while the gradients travel."""
        run = self._run
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.zero_grad(set_to_none=False)
        loaded = self._loader.prepared(patches, epoch)
        results = []
        for number, indices in enumerate(run.mine(patches)):
            share = len(indices) / len(patches)
            features, labels = loaded[number] if loaded else self._loader.load(self._loader.train, indices, epoch)
            with run.autocast():
                images = self._forward(features).float()
            self._scaler.scale(run.training_loss(images, labels) * share).backward()
            self._gradients.add_micro_batch()
            results.append((images.detach(), labels, share))
        finish = self._gradients.begin_sum()
        # While the gradients travel: the losses to report, and the patches of the next step.
        total = run.nothing()
        with torch.no_grad():
            for images, labels, share in results:
                total += run.reported(images, labels) * share
        if next_patches is not None and run.ranks.size > 1:
            self._loader.prepare(next_patches, epoch)
        with run.stopwatch.on("communication"):
            finish()
        self._scaler.unscale_(self._optimizer)
        torch.nn.utils.clip_grad_norm_(run.module.parameters(), run.opt.clip_norm)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        return total

    def state(self) -> dict:
        """Return what a checkpoint keeps of optimiser and scaler."""
        return {"optimizer": self._optimizer.state_dict(), "scaler": self._scaler.state_dict()}

    def restore(self, state: dict) -> None:
        """Go on from what ``state`` returned."""
        self._optimizer.load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])


def _gradient_scaler(device: str, enabled: bool) -> torch.amp.GradScaler:
    """Return the scaler of float16 gradients; before torch 2.3 there was one for GPUs only."""
    if hasattr(torch.amp, "GradScaler"):
        return torch.amp.GradScaler(device, enabled=enabled)
    if enabled and device != "cuda":
        raise ProtoduneError(
            f"training.precision: float16 on a CPU needs torch 2.3, found {torch.__version__}; take bfloat16 or float32"
        )
    return torch.cuda.amp.GradScaler(enabled=enabled)


def _compiled(module: torch.nn.Module) -> torch.nn.Module:
    """Return the module as torch.compile makes it: it gives the compiler the folder of torch unquoted."""
    if " " in torch.__file__:
        raise ProtoduneError(
            f"compile: torch stands in {torch.__file__}, and torch.compile cannot build from a path with a space; set "
            "'compile: false', or make the environment elsewhere (make VENV=...)"
        )
    return torch.compile(module)
