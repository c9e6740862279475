"""How long training steps take on the ranks that a launcher started."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace

import numpy as np
import torch

from protodune.core.files import write_text
from protodune.learning.network import build_network
from protodune.learning.patch_files import PatchFiles
from protodune.learning.training.data import epoch_order
from protodune.learning.training.distributed import Ranks
from protodune.learning.training.epochs import Trainer
from protodune.learning.training.fit import join_ranks
from protodune.learning.training.records import Stopwatch
from protodune.learning.training.settings import TrainingSettings

WARM_UP = 3
REDUCTIONS = 20
MODES = ("strong", "weak")
"""The global batch stays as it is set, or grows with the ranks."""


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
