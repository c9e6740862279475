"""Time one network on one piece of a plane, in a process of its own so that the memory is its own; printed as JSON."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
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
from protodune.detector.geometry import PLANE_FAMILIES, PLANES
from protodune.learning.inference import fold_norms, pixels_at_once, plan_pieces
from protodune.core.memory import keep_freed_memory
from protodune.learning.portable import Portable, write_onnx
from protodune.learning.weights import load_weights
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)
RUNTIMES = ("float32", "bfloat16", "onnx")
MEMORY_MB = 4000
"""No piece is meant to take more."""


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("time_forward", __doc__)
    p.add_argument("--weights", required=True, help="weights of the network (.safetensors)")
    p.add_argument("--plane", required=True, choices=sorted(PLANE_FAMILIES))
    p.add_argument("--runtime", required=True, choices=RUNTIMES, help="PyTorch in either precision, or ONNX Runtime")
    p.add_argument("--share", required=True, type=float, help="of a plane's pixels at a time")
    p.add_argument("--ticks", type=int, default=6000, help="samples a channel of the plane")
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--threads", type=int, default=1)
    return p


def measure(weights: str, plane: str, runtime: str, share: float, ticks: int, repeats: int, threads: int) -> dict:
    """Return windows at a time and their pixels, the median seconds of one piece and those of all pieces of a plane,
    overlaps included, billions of multiply-adds of a piece (PyTorch only), and the memory in MB that the piece took."""
    keep_freed_memory()
    torch.set_num_threads(threads)
    model, _ = load_weights(weights, {"family": plane})
    if model.features != "waveform":
        raise ProtoduneError(
            f"{weights}: takes features '{model.features}', which no caller has ready; only networks on waveforms are timed"
        )
    fold_norms(model)
    info = PLANES[PLANE_FAMILIES[plane][0]]
    shape = tuple(size + -size % step for size, step in zip((info.n_channels, ticks), model.multiple, strict=True))
    most = pixels_at_once(model, torch.device("cpu"), runtime, MEMORY_MB)
    pieces = plan_pieces(model, shape, min(max(1, int(share * shape[0] * shape[1])), most))
    rows, columns = pieces[0][0]
    window = (rows.stop - rows.start, columns.stop - columns.start)
    portable = Portable(model, info.group_size if window[0] % info.group_size == 0 else window[0])
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


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    arguments = (a.weights, a.plane, a.runtime, a.share, a.ticks, a.repeats, a.threads)
    return run_stage("time_forward", lambda: print(json.dumps(measure(*arguments))))


if __name__ == "__main__":
    raise SystemExit(main())
