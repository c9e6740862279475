"""A whole training, on one process or on the ranks that a launcher started: from patch files to weights and history."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from protodune.core.files import write_text
from protodune.core.memory import keep_freed_memory
from protodune.core.provenance import versions
from protodune.core.settings import to_json
from protodune.learning.network import Network, build_network, count_parameters
from protodune.learning.patch_files import PatchFiles
from protodune.learning.training.checkpoint import RollingCheckpoints
from protodune.learning.training.distributed import Ranks, connect
from protodune.learning.training.epochs import State, Trainer
from protodune.learning.training.records import EpochRecord, history_table
from protodune.learning.training.settings import TrainingSettings
from protodune.learning.training.watchdog import Watchdog
from protodune.learning.weights import save_weights

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What a training runs on; none of it but the patch files changes the result.

    ``train`` and ``val``: patch files; ``checkpoints``: folder, None for none, of which at most ``checkpoint_minutes`` of
    work are lost; ``code``: digest of the code, part of a checkpoint's fingerprint; ``threads`` of all ranks of a node
    together; ``watchdog_minutes`` without progress after which the job ends, 0: never; ``fusion_mb``: size of the buffers
    in which gradients travel, 0: in one.
    """

    train: list[str]
    val: list[str]
    checkpoints: str | None = None
    code: str = ""
    threads: int = 1
    backend: str = "auto"
    checkpoint_minutes: float = 10.0
    watchdog_minutes: float = 20.0
    fusion_mb: float = 64.0


@dataclass(frozen=True)
class Fitted:
    """What a training leaves: the network, its best state, the history, the patch files' detectors, and the checkpoints,
    which are to be cleared when the products are written."""

    network: Network
    best: State
    history: list[EpochRecord]
    detectors: list[str]
    checkpoints: RollingCheckpoints


def train_network(settings: TrainingSettings, job: Job, output: str | Path) -> None:
    """Train, and write ``weights.safetensors``, ``history.tsv`` and ``settings.json`` into the folder ``output``; rank 0
    alone writes."""
    ranks = join_ranks(job.backend)
    fitted = fit(settings, job, ranks)
    if ranks.rank == 0:
        module = fitted.network.module
        module.load_state_dict(fitted.best)
        about = describe(settings, fitted, job)
        output = Path(output)
        save_weights(output / "weights.safetensors", module, about)
        write_text(output / "history.tsv", history_table(fitted.history))
        text = json.dumps({**about, "train": job.train, "val": job.val}, indent=1, sort_keys=True)
        write_text(output / "settings.json", text + "\n")
        fitted.checkpoints.clear()
    ranks.close()


def join_ranks(backend: str) -> Ranks:
    """Join the other ranks; all but rank 0 say no more than warnings from here on."""
    keep_freed_memory()
    ranks = connect(backend)
    if ranks.rank != 0:
        logging.getLogger().setLevel(logging.WARNING)
    return ranks


def fit(settings: TrainingSettings, job: Job, ranks: Ranks, stop: Callable[[EpochRecord], bool] | None = None) -> Fitted:
    """Train on all ranks, from the last checkpoint if there is one.  ``stop`` is asked after every epoch whether it was the
    last."""
    watchdog = Watchdog(job.watchdog_minutes, ranks.rank)
    torch.set_num_threads(threads_of(ranks, job.threads))
    torch.manual_seed(settings.seed)
    train, val = PatchFiles(job.train), PatchFiles(job.val)
    network = build_network(settings.network, settings.network_settings, settings.task)
    log.info(
        "%s on %s: %d parameters, %d training and %d validation patches, %d rank(s) by %s, %d thread(s) each",
        settings.model, settings.family, count_parameters(network.module), len(train), len(val), ranks.size, ranks.name,
        torch.get_num_threads(),
    )  # fmt: skip
    checkpoints = RollingCheckpoints(job.checkpoints, fingerprint(settings, job), job.checkpoint_minutes)
    if ranks.rank == 0:
        checkpoints.lock()
    best, history = Trainer(network, settings, train, val, ranks, watchdog, job.fusion_mb).fit(checkpoints, stop)
    watchdog.stop()
    return Fitted(network, best, history, train.detectors, checkpoints)


def threads_of(ranks: Ranks, on_node: int) -> int:
    """Return the CPU threads of a rank: what the launcher says, or its share of those that the job has on this node."""
    return max(1, int(os.environ.get("PROTODUNE_THREADS", on_node // ranks.local_size)))


def describe(settings: TrainingSettings, fitted: Fitted, job: Job) -> dict:
    """Return what weights say of themselves."""
    names = ("task", "step", "model", "network", "network_settings", "family", "trial")
    return {
        **{name: getattr(settings, name) for name in names},
        "settings": dataclasses.asdict(settings),
        "parameters": count_parameters(fitted.network.module),
        **best_validation(fitted.history),
        "data": {
            "train": [Path(f).stem for f in job.train],
            "val": [Path(f).stem for f in job.val],
            "detectors": fitted.detectors,
        },
        "versions": versions("torch", "numpy", "horovod"),
    }


def best_validation(history: list[EpochRecord]) -> dict[str, float]:
    """Return the best epoch's validation losses, ``val_OUTPUT``, those that are finite."""
    best = min(history, key=lambda r: r.val_loss)
    # Nine digits: what is left of the order of sums is not.
    return {f"val_{name}": float(f"{value:.9g}") for name, value in best.val.items() if math.isfinite(value)}


def fingerprint(settings: TrainingSettings, job: Job) -> str:
    """Return what a checkpoint must agree with to be resumed: settings, code, names and sizes of the patch files."""
    files = [(str(p), Path(p).stat().st_size) for p in [*job.train, *job.val]]
    return hashlib.sha256(json.dumps([to_json(settings), job.code, files]).encode()).hexdigest()
