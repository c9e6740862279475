"""How long one piece of a plane takes through a network, and how much memory."""

from __future__ import annotations

import contextlib
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from protodune.core.errors import ProtoduneError
from protodune.core.memory import keep_freed_memory
from protodune.detector.registry import find_detector
from protodune.learning.export import plane_of_family, portable_of
from protodune.learning.inference import fold_norms, pixels_at_once, plan_pieces
from protodune.learning.portable import Portable, write_onnx
from protodune.learning.runtime import Model
from protodune.learning.runtimes.torch import executor as torch_executor
from protodune.learning.weights import load_weights

MEMORY_MB = 4000
"""No piece is meant to take more."""


def time_forward(
    weights: str, family: str, detector: str, runtime: str, share: float, ticks: int | None, repeats: int, threads: int
) -> dict:
    """Time one piece of a plane, a ``share`` of its pixels, through a network; meant for a process of its own.

    Returns windows at a time and their pixels, the median seconds of one piece and those of all pieces of a plane, overlaps
    included, billions of multiply-adds of a piece (PyTorch only), and the memory in MB that the piece took.
    """
    keep_freed_memory()
    torch.set_num_threads(threads)
    network, _ = load_weights(weights, {"family": family})
    if network.spec.features != "waveform":
        raise ProtoduneError(
            f"{weights}: takes features '{network.spec.features}', which no caller has ready; only networks on waveforms "
            "are timed"
        )
    fold_norms(network.module)
    known = find_detector(detector)
    plane = plane_of_family(known, family)
    size = (plane.n_channels, ticks or known.readout_ticks)
    shape = tuple(length + -length % step for length, step in zip(size, network.module.multiple, strict=True))
    executor = torch_executor(Model(network), "float32" if runtime == "float32" else "bfloat16")
    most = pixels_at_once(executor, torch.device("cpu"), MEMORY_MB)
    pieces = plan_pieces(network, shape, min(max(1, int(share * shape[0] * shape[1])), most))
    rows, columns = pieces[0][0]
    window = (rows.stop - rows.start, columns.stop - columns.start)
    portable = portable_of(network, plane, window[0])
    device = torch.device("cuda" if torch.cuda.is_available() and runtime != "onnx" else "cpu")
    batch = torch.from_numpy(5 * np.random.default_rng(1).standard_normal((len(pieces[0]), *window)).astype(np.float32))
    before = _peak_mb(device)
    with contextlib.ExitStack() as stack:
        forward = _onnx(portable, window, threads, stack) if runtime == "onnx" else _torch(portable, runtime, device, stack)
        counter = FlopCounterMode(display=False)
        with counter:
            forward(batch)
        memory = _peak_mb(device) - before
        seconds = statistics.median(_seconds(forward, batch) for _ in range(repeats))
    return {
        "device": device.type, "windows": len(batch), "mpixel": batch.numel() / 1e6, "piece_s": seconds,
        "plane_s": seconds * len(pieces), "gmac": counter.get_total_flops() / 2e9, "memory_mb": memory,
    }  # fmt: skip


def _torch(portable: Portable, precision: str, device: torch.device, stack: contextlib.ExitStack) -> Callable:
    portable.to(device)
    stack.enter_context(torch.inference_mode())
    stack.enter_context(torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"))
    return lambda batch: [image.cpu() for image in portable(batch.to(device))]


def _onnx(portable: Portable, window: tuple[int, int], threads: int, stack: contextlib.ExitStack) -> Callable:
    import onnxruntime

    path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "model.onnx"
    write_onnx(portable, window, path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda batch: session.run(None, {portable.input: batch.numpy()})


def _seconds(forward: Callable, batch: torch.Tensor) -> float:
    started = time.perf_counter()
    forward(batch)
    return time.perf_counter() - started


def _peak_mb(device: torch.device) -> float:
    """Most memory so far: of the device, on a CPU resident memory of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
