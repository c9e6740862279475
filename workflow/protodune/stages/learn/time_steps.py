"""Time training steps on the ranks that a launcher started; rank 0 writes what they took."""

from __future__ import annotations

import argparse
import json
import logging
import math
import time
from dataclasses import replace

import numpy as np
import torch

from protodune.learning.patch_files import PatchFiles
from protodune.core.files import write_text
from protodune.core.memory import keep_freed_memory
from protodune.learning.registry import build_model
from protodune.core.settings import parse_settings
from protodune.stages.command import run_stage, stage_parser
from protodune.learning.training.distributed import BACKENDS, connect
from protodune.learning.training.loop import Trainer, epoch_order
from protodune.learning.training.records import Stopwatch
from protodune.learning.training.settings import TrainingSettings

log = logging.getLogger(__name__)
WARM_UP = 3
REDUCTIONS = 20


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("time_steps", __doc__)
    p.add_argument("--settings", required=True, help="JSON of TrainingSettings")
    p.add_argument("--train", required=True, nargs="+", help="patch files")
    p.add_argument("--mode", required=True, choices=("strong", "weak"), help="global batch as set, or times the ranks")
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--threads", type=int, default=1, help="CPU threads a rank")
    p.add_argument("--backend", default="auto", choices=BACKENDS)
    p.add_argument("--output", required=True, help="JSON to write")
    return p


def run(settings: TrainingSettings, args: argparse.Namespace) -> None:
    """Time ``--steps`` steps after three to warm up, then all-reduces of one number and of the gradient's size."""
    keep_freed_memory()
    ranks = connect(args.backend)
    if ranks.rank:
        logging.getLogger().setLevel(logging.WARNING)
    torch.set_num_threads(args.threads)
    torch.manual_seed(settings.seed)
    batch = settings.optimiser.global_batch * (ranks.size if args.mode == "weak" else 1)
    settings = replace(settings, optimiser=replace(settings.optimiser, global_batch=batch))
    files = PatchFiles(args.train)
    trainer = Trainer(build_model(settings.architecture, settings.network, settings.task), settings, files, files, ranks)
    trainer.model.train()
    order = epoch_order(len(files), settings.seed, 1)

    def patches(number: int) -> np.ndarray:
        first = number * batch % (len(order) - batch + 1)
        return order[first : first + batch]

    def step(number: int) -> None:
        trainer.step(patches(number), 1, settings.optimiser.learning_rate, patches(number + 1))

    for number in range(WARM_UP):
        step(number)
    ranks.total(torch.zeros(1))  # all start together
    trainer.stopwatch, started = Stopwatch(), time.perf_counter()
    for number in range(args.steps):
        step(WARM_UP + number)
    ranks.total(torch.zeros(1))
    seconds = time.perf_counter() - started
    gradient = torch.cat([p.grad.reshape(-1) for p in trainer.model.parameters() if p.grad is not None])
    spent = trainer.stopwatch.seconds
    result = {
        "ranks": ranks.size,
        "mode": args.mode,
        "backend": ranks.name,
        "step_s": seconds / args.steps,
        "data_s": spent["data"] / args.steps,
        "communication_s": spent["communication"] / args.steps,
        "images_per_step": batch,
        "micro_batches": batch // settings.optimiser.micro_batch,
        "mpixel_per_step": batch * math.prod(files.patch_shape) / 1e6,
        "gradient_bytes": gradient.nbytes,
        "message_s": _reduction_seconds(ranks, torch.zeros(1, device=gradient.device)),
        "reduction_s": _reduction_seconds(ranks, gradient),
    }
    if ranks.rank == 0:
        write_text(args.output, json.dumps(result, sort_keys=True) + "\n")
    ranks.close()


def _reduction_seconds(ranks, tensor: torch.Tensor) -> float:
    """Seconds of one all-reduce of a tensor, the median of twenty."""
    times = []
    for _ in range(REDUCTIONS):
        started = time.perf_counter()
        ranks.total(tensor)
        if tensor.is_cuda:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return sorted(times)[len(times) // 2]


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    args = parser().parse_args(argv)
    return run_stage("time_steps", lambda: run(parse_settings(TrainingSettings, args.settings), args))


if __name__ == "__main__":
    raise SystemExit(main())
