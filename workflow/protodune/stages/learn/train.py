"""Train one network on the patches of one plane family, on one process or on the ranks that a launcher started."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import logging
import math
import os
from collections.abc import Callable
from pathlib import Path

import torch

from protodune.learning.patch_files import PatchFiles
from protodune.core.files import write_text
from protodune.core.memory import keep_freed_memory
from protodune.learning.registry import build_model, count_parameters
from protodune.learning.weights import save_weights
from protodune.core.provenance import versions
from protodune.core.settings import parse_settings, to_json
from protodune.stages.command import run_stage, stage_parser
from protodune.learning.training.checkpoint import RollingCheckpoints
from protodune.learning.training.distributed import BACKENDS, Ranks, connect
from protodune.learning.training.loop import Trainer
from protodune.learning.training.records import EpochRecord
from protodune.learning.training.settings import TrainingSettings
from protodune.learning.training.watchdog import Watchdog

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("train", __doc__)
    p.add_argument("--settings", required=True, help="JSON of TrainingSettings")
    p.add_argument("--train", required=True, nargs="+", help="patch files to train on")
    p.add_argument("--val", required=True, nargs="+", help="patch files to validate on")
    p.add_argument("--output", required=True, help="folder for weights.safetensors, history.tsv and settings.json")
    p.add_argument("--checkpoints", help="folder for rolling checkpoints; a retry resumes from the last one")
    p.add_argument("--code", default="", help="digest of the code, part of the checkpoint's fingerprint")
    p.add_argument("--threads", type=int, default=1, help="CPU threads of all ranks on this node together")
    p.add_argument("--backend", default="auto", choices=BACKENDS)
    p.add_argument("--checkpoint-minutes", type=float, default=10.0, help="at most so much work is lost")
    p.add_argument("--watchdog-minutes", type=float, default=20.0, help="without progress the job ends; 0: never")
    p.add_argument("--fusion-mb", type=float, default=64.0, help="gradients travel in buffers of this size; 0: in one")
    return p


def run(settings: TrainingSettings, args: argparse.Namespace) -> None:
    """Train and write the three products; rank 0 alone writes."""
    keep_freed_memory()
    ranks = connect(args.backend)
    if ranks.rank != 0:
        logging.getLogger().setLevel(logging.WARNING)
    model, best, history, checkpoints = fit(settings, args, ranks)
    if ranks.rank == 0:
        model.load_state_dict(best)
        about = {
            **{k: getattr(settings, k) for k in ("task", "model", "architecture", "family", "trial")},
            "network": settings.network,
            "settings": dataclasses.asdict(settings),
            "parameters": count_parameters(model),
            **_validation(history),
            "data": {"train": [Path(f).stem for f in args.train], "val": [Path(f).stem for f in args.val]},
            "versions": versions("torch", "numpy", "horovod"),
        }
        output = Path(args.output)
        save_weights(output / "weights.safetensors", model, about)
        write_text(output / "history.tsv", history_table(history))
        write_text(
            output / "settings.json",
            json.dumps({**about, "train": args.train, "val": args.val}, indent=1, sort_keys=True) + "\n",
        )
        checkpoints.clear()
    ranks.close()


def fit(
    settings: TrainingSettings,
    args: argparse.Namespace,
    ranks: Ranks,
    stop: Callable[[EpochRecord], bool] | None = None,
) -> tuple[torch.nn.Module, dict[str, torch.Tensor], list[EpochRecord], RollingCheckpoints]:
    """Train on all ranks, from the last checkpoint if there is one; return the network, its best state, the history and
    the checkpoints, which are to be cleared when the products are written.  ``stop`` is asked after every epoch."""
    watchdog = Watchdog(args.watchdog_minutes, ranks.rank)
    torch.set_num_threads(threads_of(ranks, args.threads))
    torch.manual_seed(settings.seed)
    train, val = PatchFiles(args.train), PatchFiles(args.val)
    model = build_model(settings.architecture, settings.network, settings.task)
    log.info(
        "%s on %s: %d parameters, %d training and %d validation patches, %d rank(s) by %s, %d thread(s) each",
        settings.model, settings.family, count_parameters(model), len(train), len(val), ranks.size, ranks.name,
        torch.get_num_threads(),
    )  # fmt: skip
    checkpoints = RollingCheckpoints(args.checkpoints, fingerprint(settings, args), args.checkpoint_minutes)
    if ranks.rank == 0:
        checkpoints.lock()
    best, history = Trainer(model, settings, train, val, ranks, watchdog, args.fusion_mb).fit(checkpoints, stop)
    watchdog.stop()
    return model, best, history, checkpoints


def threads_of(ranks: Ranks, on_node: int) -> int:
    """Return the CPU threads of a rank: what the launcher says, or its share of those that the job has on this node."""
    return max(1, int(os.environ.get("PROTODUNE_THREADS", on_node // ranks.local_size)))


def _validation(history: list[EpochRecord]) -> dict[str, float]:
    """Return the best epoch's validation errors, those that there are."""
    best = min(history, key=lambda r: r.val_loss)
    errors = {name: getattr(best, name) for name in ("val_mse", "val_roi")}
    # Nine digits: what is left of the order of sums is not.
    return {name: float(f"{value:.9g}") for name, value in errors.items() if math.isfinite(value)}


def fingerprint(settings: TrainingSettings, args: argparse.Namespace) -> str:
    """Return what a checkpoint must agree with to be resumed: settings, code, names and sizes of the patch files."""
    files = [(str(p), Path(p).stat().st_size) for p in [*args.train, *args.val]]
    return hashlib.sha256(json.dumps([to_json(settings), args.code, files]).encode()).hexdigest()


def history_table(history: list[EpochRecord]) -> str:
    """Return the history as tab-separated text."""
    names = [f.name for f in dataclasses.fields(EpochRecord)]
    lines = ["\t".join(names)]
    lines += ["\t".join(f"{getattr(r, n):.6g}" for n in names) for r in history]
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    args = parser().parse_args(argv)
    return run_stage("train", lambda: run(parse_settings(TrainingSettings, args.settings), args))


if __name__ == "__main__":
    raise SystemExit(main())
