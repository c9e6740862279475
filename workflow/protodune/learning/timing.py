"""How long networks take: one piece of a plane through a network, and training steps on the ranks of a launcher."""

from __future__ import annotations

import contextlib
import json
import math
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from protodune.core.errors import ProtoduneError
from protodune.core.files import write_text
from protodune.core.memory import keep_freed_memory
from protodune.detector.registry import find_detector
from protodune.learning.export import plane_of_family, portable_of
from protodune.learning.inference import fold_norms, pixels_at_once, plan_pieces
from protodune.learning.network import build_network
from protodune.learning.patch_files import PatchFiles
from protodune.learning.portable import Portable, write_onnx
from protodune.learning.training.data import epoch_order
from protodune.learning.training.distributed import Ranks
from protodune.learning.training.epochs import Trainer
from protodune.learning.training.fit import join_ranks
from protodune.learning.training.records import Stopwatch
from protodune.learning.training.settings import TrainingSettings
from protodune.learning.weights import load_weights

MEMORY_MB = 4000
"""No piece is meant to take more."""
WARM_UP = 3
REDUCTIONS = 20
MODES = ("strong", "weak")
"""The global batch stays as it is set, or grows with the ranks."""


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
    most = pixels_at_once(network.module, torch.device("cpu"), runtime, MEMORY_MB)
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


def time_steps(
    settings: TrainingSettings, train: list[str], mode: str, steps: int, threads: int, backend: str, output: str
) -> None:
    """Time training steps after three to warm up, then all-reduces of one number and of the gradient's size; rank 0 writes
    the seconds as JSON.  ``mode``: one of ``MODES``."""
    ranks = join_ranks(backend)
    torch.set_num_threads(threads)
    torch.manual_seed(settings.seed)
    batch = settings.optimiser.global_batch * (ranks.size if mode == "weak" else 1)
    settings = replace(settings, optimiser=replace(settings.optimiser, global_batch=batch))
    files = PatchFiles(train)
    network = build_network(settings.network, settings.network_settings, settings.task)
    trainer = Trainer(network, settings, files, files, ranks)
    seconds = _seconds_of_steps(trainer, files, batch, steps)
    gradient = torch.cat([p.grad.reshape(-1) for p in network.module.parameters() if p.grad is not None])
    spent = trainer.run.stopwatch.seconds
    result = {
        "ranks": ranks.size,
        "mode": mode,
        "backend": ranks.name,
        "step_s": seconds / steps,
        "data_s": spent["data"] / steps,
        "communication_s": spent["communication"] / steps,
        "images_per_step": batch,
        "micro_batches": batch // settings.optimiser.micro_batch,
        "mpixel_per_step": batch * math.prod(files.patch_shape) / 1e6,
        "gradient_bytes": gradient.nbytes,
        "message_s": _reduction_seconds(ranks, torch.zeros(1, device=gradient.device)),
        "reduction_s": _reduction_seconds(ranks, gradient),
    }
    if ranks.rank == 0:
        write_text(output, json.dumps(result, sort_keys=True) + "\n")
    ranks.close()


def _seconds_of_steps(trainer: Trainer, files: PatchFiles, batch: int, steps: int) -> float:
    """Take some steps to warm up, then time ``steps`` more; the trainer's stopwatch holds what they were spent on."""
    settings, ranks = trainer.run.settings, trainer.run.ranks
    trainer.module.train()
    order = epoch_order(len(files), settings.seed, 1)

    def patches(number: int) -> np.ndarray:
        first = number * batch % (len(order) - batch + 1)
        return order[first : first + batch]

    def step(number: int) -> None:
        trainer.stepper.step(patches(number), 1, settings.optimiser.learning_rate, patches(number + 1))

    for number in range(WARM_UP):
        step(number)
    ranks.total(torch.zeros(1))  # all start together
    trainer.run.stopwatch, started = Stopwatch(), time.perf_counter()
    for number in range(steps):
        step(WARM_UP + number)
    ranks.total(torch.zeros(1))
    return time.perf_counter() - started


def _reduction_seconds(ranks: Ranks, tensor: torch.Tensor) -> float:
    """Seconds of one all-reduce of a tensor, the median of twenty."""
    times = []
    for _ in range(REDUCTIONS):
        started = time.perf_counter()
        ranks.total(tensor)
        if tensor.is_cuda:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return sorted(times)[len(times) // 2]
