"""The training itself: same seed, same data, same global batch, same network, on one rank or many.

Epoch by epoch: steps on all patches, BatchNorm's statistics, validation, a checkpoint; the best epoch is kept.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from tqdm import tqdm

from protodune.core.energy import EnergyMeter, in_words
from protodune.core.errors import ProtoduneError
from protodune.learning.network import Network
from protodune.learning.patch_files import PatchFiles
from protodune.learning.training.checkpoint import RollingCheckpoints, restored
from protodune.learning.training.data import Loader, check_patches, epoch_order
from protodune.learning.training.distributed import Ranks
from protodune.learning.training.optimisers import schedule
from protodune.learning.training.records import EpochRecord, Progress, Stopwatch
from protodune.learning.training.run import Run
from protodune.learning.training.settings import TrainingSettings
from protodune.learning.training.statistics import Norms, WeightAverage
from protodune.learning.training.step import Stepper
from protodune.learning.training.validation import validate
from protodune.learning.training.watchdog import Watchdog

AGREE_EVERY = 32
"""Steps between two questions to rank 0 whether a checkpoint is due."""

State = dict[str, torch.Tensor]


class Trainer:
    """Trains one network; rank 0 alone logs and writes."""

    def __init__(
        self,
        network: Network,
        settings: TrainingSettings,
        train: PatchFiles,
        val: PatchFiles,
        ranks: Ranks,
        watchdog: Watchdog | None = None,
        fusion_mb: float = 64.0,
    ):
        self.run = Run(network, settings, ranks, watchdog)
        self.opt, self.module = settings.optimiser, network.module
        check_patches(self.run, train, val)
        self.loader = Loader(self.run, train, val)
        self.steps_per_epoch = math.ceil(len(train) / self.opt.global_batch)
        self.stepper = Stepper(self.run, self.loader, fusion_mb)
        self.norms = Norms(self.run, self.loader)
        if self.opt.deterministic:
            torch.use_deterministic_algorithms(True, warn_only=True)
            torch.backends.cudnn.benchmark = False
        ranks.broadcast([t.data for t in self.module.state_dict().values() if t.is_floating_point()])
        self.average = WeightAverage(self.module, self.opt.ema_decay)

    @property
    def n_steps(self) -> int:
        """Optimiser steps of the whole training."""
        return self.steps_per_epoch * self.opt.epochs

    def fit(
        self, checkpoints: RollingCheckpoints, stop: Callable[[EpochRecord], bool] | None = None
    ) -> tuple[State, list[EpochRecord]]:
        """Train all epochs, from the last checkpoint if there is one; return the best state and the history.

        ``stop`` is asked after every epoch whether it was the last; rank 0's answer counts."""
        run = self.run
        history, best, progress = self._resume(checkpoints)
        for epoch in range(len(history) + 1, self.opt.epochs + 1):
            if self.opt.patience and _epochs_since_best(history) >= self.opt.patience:
                run.say("no better epoch in %d, training ends", self.opt.patience)
                break

            def keep(step: int, progress: Progress, history: list[EpochRecord] = history, best: State = best) -> None:
                checkpoints.save(len(history), step, self._state(history, best, progress))

            record, state = self._epoch(epoch, progress, lambda: run.agree(checkpoints.due()), keep)
            progress = Progress(run.nothing())
            if not math.isfinite(record.val_loss):
                raise ProtoduneError(
                    f"training: epoch {epoch}: the loss is not finite (validation {record.val_loss}); lower "
                    "learning_rate or check the input for NaN"
                )
            if not history or record.val_loss < min(r.val_loss for r in history):
                best = state
            history.append(record)
            if run.ranks.rank == 0:
                self._log(record)
                if checkpoints.due() or checkpoints.affordable():
                    checkpoints.save(epoch, 0, self._state(history, best, progress))
            if stop is not None and run.agree(stop(record)):
                break
        return best, history

    def _epoch(
        self, epoch: int, begun: Progress, due: Callable[[], bool], keep: Callable[[int, Progress], None]
    ) -> tuple[EpochRecord, State]:
        """Train and validate one epoch from where ``begun`` left it; ``keep`` a checkpoint whenever one is ``due``.  Returns
        its record and the weights that were validated."""
        run, train = self.run, self.loader.train
        started, meter = time.perf_counter() - begun.seconds, EnergyMeter()
        run.stopwatch = Stopwatch()
        sums, joules, learning_rate = self._steps(epoch, begun, started, meter, due, keep)
        trained = time.perf_counter() - started
        with self.average.in_place():
            self.norms.calibrate()
            val = validate(run, self.loader)
            state = {k: v.detach().cpu().clone() for k, v in self.module.state_dict().items()}
        record = EpochRecord(
            epoch=epoch,
            learning_rate=learning_rate,
            train=run.by_output(run.ranks.total(sums) / self.steps_per_epoch),
            val=run.by_output(val),
            val_loss=run.total_reported(val),
            seconds=time.perf_counter() - started,
            mpixel_per_s=len(train) * math.prod(train.patch_shape) / trained / 1e6,
            data_s=run.stopwatch.seconds["data"],
            communication_s=run.stopwatch.seconds["communication"],
            joules=joules + self._joules(meter),
        )
        return record, state

    def _steps(
        self,
        epoch: int,
        begun: Progress,
        started: float,
        meter: EnergyMeter,
        due: Callable[[], bool],
        keep: Callable[[int, Progress], None],
    ) -> tuple[torch.Tensor, float, float]:
        """Take the steps of an epoch; return this rank's sums of the reported losses, joules so far and the last learning
        rate."""
        run, size = self.run, self.opt.global_batch
        self.module.train()
        self.norms.hold()
        order = epoch_order(len(self.loader.train), run.settings.seed, epoch)
        sums, joules, learning_rate = begun.sums.clone(), begun.joules, 0.0
        hidden = None if run.ranks.rank == 0 else True
        steps = range(begun.step, self.steps_per_epoch)
        for number in tqdm(steps, f"epoch {epoch}", unit="step", disable=hidden, leave=False):
            patches, following = (order[n * size : (n + 1) * size] for n in (number, number + 1))
            done = (epoch - 1) * self.steps_per_epoch + number
            learning_rate = schedule(done, self.n_steps, self.opt)
            sums += self.stepper.step(patches, epoch, learning_rate, following if len(following) else None)
            self.average.follow(done)
            run.watchdog.progress(f"epoch {epoch}, step {number + 2}")
            if (number + 1) % AGREE_EVERY == 0 and number + 1 < self.steps_per_epoch and due():
                joules += self._joules(meter)
                together = Progress(run.ranks.total(sums), number + 1, time.perf_counter() - started, joules)
                if run.ranks.rank == 0:
                    keep(number + 1, together)
        return sums, joules, learning_rate

    def _resume(self, checkpoints: RollingCheckpoints) -> tuple[list[EpochRecord], State, Progress]:
        """Return history, best state and progress of the last checkpoint, after taking over the rest of it.

        Rank 0 reads it for all: ranks that looked for themselves might not see the same files.
        """
        run = self.run
        content = run.ranks.share(checkpoints.latest() if run.ranks.rank == 0 else b"")
        if not content:
            return [], {}, Progress(run.nothing())
        state = restored(content)
        self.module.load_state_dict(state["model"])
        self.stepper.restore(state)
        self.average.restore(state["average"], run.device)
        run.say(f"resumed after epoch {state['epoch']}" + (f", step {state['step']}" if state["step"] else ""))
        progress = Progress(state["sums"], state["step"], state["seconds"], state["joules"])
        if run.ranks.rank:
            progress.sums = run.nothing()  # they are those of all ranks
        return [EpochRecord(**line) for line in state["history"]], state["best"], progress

    def _state(self, history: list[EpochRecord], best: State, progress: Progress) -> dict:
        return {
            "model": self.module.state_dict(),
            **self.stepper.state(),
            "history": [vars(r) for r in history],
            "best": best,
            "average": self.average.state(),
            "sums": progress.sums,
            "seconds": progress.seconds,
            "joules": progress.joules,
        }

    def _joules(self, meter: EnergyMeter) -> float:
        """Joules of all nodes since the last call: the first rank of each reads its counters."""
        used = meter.joules() if self.run.ranks.local_rank == 0 else 0.0
        return float(self.run.ranks.total(torch.tensor(used, dtype=torch.float64)))

    def _log(self, record: EpochRecord) -> None:
        errors = [
            f"{o.output} ({o.name}) {record.train[o.output]:.4f} and {record.val[o.output]:.4f} {o.unit}".rstrip()
            for o in self.run.losses
        ]
        self.run.say(
            "epoch %d/%d: training and validation %s, learning rate %.2e, %.1f s (data %.1f, communication %.1f), "
            "%.2f Mpixel/s, %s",
            record.epoch, self.opt.epochs, ", ".join(errors),
            record.learning_rate, record.seconds, record.data_s, record.communication_s, record.mpixel_per_s,
            in_words(record.joules, "per epoch"),
        )  # fmt: skip


def _epochs_since_best(history: list[EpochRecord]) -> int:
    losses = [r.val_loss for r in history]
    return len(losses) - 1 - losses.index(min(losses)) if losses else 0
