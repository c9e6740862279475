"""PyTorch, on a CPU or a GPU."""

from __future__ import annotations

import contextlib

import numpy as np
import torch

from protodune.learning.runtime import FULL, Executor, Model, Runtime, half_of


def precisions(model: Model) -> tuple[str, ...]:
    """Half precision where the device computes in it, and float32."""
    half = half_of(model.device)
    return (half, FULL) if half else (FULL,)


def executor(model: Model, precision: str, threads: int = 1, together: int = 1) -> Executor:
    """Return the module itself, under autocast unless in float32; threads are torch's own (``torch.set_num_threads``)."""
    module, device = model.network.module, model.device

    def call(features: np.ndarray) -> torch.Tensor:
        half = contextlib.nullcontext() if precision == FULL else torch.autocast(device.type, getattr(torch, precision))
        with torch.inference_mode(), half:
            return module(torch.from_numpy(features).to(device)).float().cpu()

    return Executor(call, module.bytes_per_pixel[FULL if precision == FULL else "bfloat16"])


RUNTIME = Runtime(missing=lambda: None, precisions=precisions, load=executor)
