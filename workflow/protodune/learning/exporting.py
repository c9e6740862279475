"""Some operations have no counterpart in ONNX; networks ask here whether they are being exported and use others."""

from __future__ import annotations

import torch


def is_exporting() -> bool:
    """Whether the network's operations are being recorded, for ONNX or TorchScript, rather than run."""
    if torch.jit.is_tracing():
        return True
    return hasattr(torch.compiler, "is_exporting") and torch.compiler.is_exporting()  # torch 2.1 does not know it


def adaptive_max_pool(x: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """As torch's adaptive_max_pool2d: (batch, c, h, w) to (batch, c, *size), each the maximum of pixels floor(i h / n) to
    ceil((i + 1) h / n)."""
    if not is_exporting():
        return torch.nn.functional.adaptive_max_pool2d(x, size)
    for axis, n in zip((2, 3), size, strict=True):
        length = int(x.shape[axis])
        windows = [x.narrow(axis, i * length // n, -(-(i + 1) * length // n) - i * length // n) for i in range(n)]
        x = torch.stack([w.amax(axis) for w in windows], dim=axis)
    return x
