"""The training loop: same seed, same data, same global batch, same model, on one rank or many.

A step averages the gradients of ``global_batch / micro_batch`` micro-batches, which are dealt to the ranks in order.
BatchNorm uses the statistics of the micro-batch while training; before each validation its running statistics are set to
the average over calibration patches of the training sample, so they do not depend on the number of ranks.  (Statistics of
whole planes, which hold far less signal than the patches, nearly double the error: measured 0.25 against 0.14 ADC^2.)
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from tqdm import tqdm

from protodune.data.patch_files import PatchFiles
from protodune.errors import ProtoduneError
from protodune.training.augment import augment
from protodune.training.checkpoint import RollingCheckpoints
from protodune.training.distributed import Ranks
from protodune.training.losses import LOSS_SCALE_ADC, roi_loss, waveform_loss
from protodune.training.settings import OptimiserSettings, TrainingSettings

log = logging.getLogger(__name__)


@dataclass
class EpochRecord:
    """One line of history.tsv: mean squared errors of the waveforms in ADC^2 (NaN without that output), cross entropies
    of the regions (likewise), and the loss by which the best epoch is chosen."""

    epoch: int
    learning_rate: float
    train_mse: float
    val_mse: float
    train_roi: float
    val_roi: float
    val_loss: float
    seconds: float
    mpixel_per_s: float


def schedule(step: int, n_steps: int, optimiser: OptimiserSettings) -> float:
    """Return the learning rate of a step: linear warm-up, then half a cosine to zero."""
    warmup = max(1, round(optimiser.warmup_fraction * n_steps))
    if step < warmup:
        return optimiser.learning_rate * (step + 1) / warmup
    return optimiser.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, n_steps - warmup)))


def epoch_order(n_patches: int, seed: int, epoch: int) -> np.ndarray:
    """Return the order in which an epoch visits the patches: a permutation that depends on seed and epoch only."""
    return np.random.default_rng([seed, epoch]).permutation(n_patches)


def rank_share(batches: np.ndarray, rank: int, size: int) -> np.ndarray:
    """Return the micro-batches of one rank: ``batches`` (m, micro_batch) cut into ``size`` equal runs, rank's run."""
    per_rank = len(batches) // size
    return batches[rank * per_rank : (rank + 1) * per_rank]


class Trainer:
    """Trains one network; rank 0 alone logs and writes."""

    def __init__(self, model: torch.nn.Module, settings: TrainingSettings, train: PatchFiles, val: PatchFiles, ranks: Ranks):
        self.model, self.settings, self.opt = model, settings, settings.optimiser
        self.train, self.val, self.ranks = train, val, ranks
        self.device = torch.device("cuda", ranks.local_rank) if torch.cuda.is_available() else torch.device("cpu")
        self.model.to(self.device)
        if train.features != model.features:
            raise ProtoduneError(
                f"training: patches of features '{train.features}', but {settings.architecture} takes '{model.features}'; "
                f"give the patch set 'features: {model.features}'"
            )
        micro_batches = self.opt.global_batch // self.opt.micro_batch
        if micro_batches % ranks.size:
            raise ProtoduneError(
                f"training: {ranks.size} ranks, but global_batch {self.opt.global_batch} / micro_batch "
                f"{self.opt.micro_batch} = {micro_batches} cannot be shared equally; choose a number of ranks that "
                f"divides {micro_batches}, or a larger global_batch"
            )
        self.steps_per_epoch = len(train) // self.opt.global_batch
        if self.steps_per_epoch == 0 or len(val) == 0:
            raise ProtoduneError(
                f"training: {len(train)} training and {len(val)} validation patches, expected at least global_batch = "
                f"{self.opt.global_batch} and 1; raise per_image of the patch set or add samples"
            )
        self.optimizer = torch.optim.AdamW(
            model.parameters(), lr=self.opt.learning_rate, weight_decay=self.opt.weight_decay, fused=True
        )
        self._norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        # float16 has no exponent to spare: its gradients are scaled up, and steps that overflow are left out.
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=self.opt.precision == "float16")
        self._network = torch.compile(model) if self.opt.compile else model
        if self.opt.deterministic:
            torch.use_deterministic_algorithms(True, warn_only=True)
            torch.backends.cudnn.benchmark = False
        ranks.broadcast([t.data for t in model.state_dict().values() if t.is_floating_point()])
        self._average = {k: v.detach().clone() for k, v in model.state_dict().items()} if self.opt.ema_decay else None
        self._kept: dict[str, torch.Tensor] = {}

    @property
    def n_steps(self) -> int:
        """Optimiser steps of the whole training."""
        return self.steps_per_epoch * self.opt.epochs

    def fit(self, checkpoints: RollingCheckpoints) -> tuple[dict[str, torch.Tensor], list[EpochRecord]]:
        """Train all epochs, from the last checkpoint if there is one; return the best state and the history."""
        history: list[EpochRecord] = []
        best: dict[str, torch.Tensor] = {}
        resumed = checkpoints.latest()
        if resumed:
            self.model.load_state_dict(resumed["model"])
            self.optimizer.load_state_dict(resumed["optimizer"])
            self._scaler.load_state_dict(resumed["scaler"])
            history = [EpochRecord(**line) for line in resumed["history"]]
            best = resumed["best"]
            self._average = resumed["average"] or None
            self._say(f"resumed after epoch {resumed['epoch']}")
        for epoch in range(len(history) + 1, self.opt.epochs + 1):
            if self.opt.patience and self._epochs_since_best(history) >= self.opt.patience:
                self._say(f"no better epoch in {self.opt.patience}, training ends")
                break
            record = self._epoch(epoch)
            if not math.isfinite(record.val_loss):
                raise ProtoduneError(
                    f"training: epoch {epoch}: the loss is not finite (validation {record.val_loss}); lower "
                    "learning_rate or check the input for NaN"
                )
            if not history or record.val_loss < min(r.val_loss for r in history):
                best = self._kept
            history.append(record)
            if self.ranks.rank == 0:
                self._log(record)
                checkpoints.save(
                    epoch,
                    {
                        "model": self.model.state_dict(),
                        "optimizer": self.optimizer.state_dict(),
                        "scaler": self._scaler.state_dict(),
                        "history": [vars(r) for r in history],
                        "best": best,
                        "average": self._average or {},
                    },
                )
        return best, history

    def _say(self, message: str) -> None:
        if self.ranks.rank == 0:
            log.info(message)

    def _log(self, record: EpochRecord) -> None:
        log.info(
            "epoch %d/%d: train MSE %.4f, validation MSE %.4f ADC^2, ROI %.4f and %.4f, learning rate %.2e, %.1f s, "
            "%.2f Mpixel/s",
            record.epoch, self.opt.epochs, record.train_mse, record.val_mse, record.train_roi, record.val_roi,
            record.learning_rate, record.seconds, record.mpixel_per_s,
        )  # fmt: skip

    def _epoch(self, epoch: int) -> EpochRecord:
        started = time.perf_counter()
        self.model.train()
        # Running statistics are set by calibration; while training they are neither used nor moved.
        for norm in self._norms:
            norm.momentum = 0.0
        order = epoch_order(len(self.train), self.settings.seed, epoch)
        steps = order[: self.steps_per_epoch * self.opt.global_batch].reshape(self.steps_per_epoch, -1, self.opt.micro_batch)
        sums, learning_rate = torch.zeros(2, dtype=torch.float64), 0.0
        hidden = None if self.ranks.rank == 0 else True
        for number, batches in enumerate(tqdm(steps, desc=f"epoch {epoch}", unit="step", disable=hidden, leave=False)):
            learning_rate = schedule((epoch - 1) * self.steps_per_epoch + number, self.n_steps, self.opt)
            sums += self._step(rank_share(batches, self.ranks.rank, self.ranks.size), epoch, learning_rate)
            self._follow_average((epoch - 1) * self.steps_per_epoch + number)
        train = self.ranks.total(sums) / self.ranks.size / len(steps)
        trained = time.perf_counter() - started
        pixels = steps.size * math.prod(self.train.patch_shape)
        with self._averaged():
            self._calibrate()
            val = self._validate()
            self._kept = {k: v.detach().cpu().clone() for k, v in self.model.state_dict().items()}
        val_loss = sum(float(w * v) for w, v in zip(self._weights(), val, strict=True) if w)
        seconds = time.perf_counter() - started
        return EpochRecord(
            epoch, learning_rate, float(train[0]), float(val[0]), float(train[1]), float(val[1]), val_loss, seconds,
            pixels / trained / 1e6,
        )  # fmt: skip

    def _weights(self) -> tuple[float, float]:
        """Weights of waveform error (ADC^2) and of the regions' cross entropy in the loss; 0 for outputs that are not
        there."""
        outputs = self.model.outputs
        only_roi = outputs == ("roi",)
        return float("denoised" in outputs) / LOSS_SCALE_ADC**2, float("roi" in outputs) * (only_roi or self.opt.roi_weight)

    @staticmethod
    def _epochs_since_best(history: list[EpochRecord]) -> int:
        losses = [r.val_loss for r in history]
        return len(losses) - 1 - losses.index(min(losses)) if losses else 0

    def _follow_average(self, step: int) -> None:
        if self._average is None:
            return
        decay = min(self.opt.ema_decay, (1 + step) / (10 + step))  # the first weights are soon forgotten
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                if value.is_floating_point():
                    self._average[name].lerp_(value, 1 - decay)

    @contextlib.contextmanager
    def _averaged(self) -> Iterator[None]:
        """Put the averaged weights in place of the trained ones, then back."""
        if self._average is None:
            yield
            return
        trained = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        self.model.load_state_dict(self._average)
        yield
        self.model.load_state_dict(trained)

    def _autocast(self) -> contextlib.AbstractContextManager:
        if self.opt.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, getattr(torch, self.opt.precision))

    def _load(self, files: PatchFiles, indices: np.ndarray, epoch: int | None = None) -> tuple[torch.Tensor, ...]:
        """Return features, clean and roi; varied if an epoch is given."""
        images = files.read(indices)
        if epoch is not None and self.opt.augment and self.model.features == "waveform":
            augment(*images, indices, self.settings.seed, epoch)
        return tuple(torch.from_numpy(image).to(self.device) for image in images)

    def _losses(
        self, output: torch.Tensor, clean: torch.Tensor, roi: torch.Tensor, kinds: tuple[str, str] = ("mse", "cross_entropy")
    ) -> list[torch.Tensor]:
        """Return the losses of waveforms (units of (5 ADC)^2) and regions; NaN for outputs that are not there."""
        found = dict(zip(self.model.outputs, output.split(1, dim=1), strict=True))
        nothing = torch.full((), math.nan, device=output.device)
        return [
            waveform_loss(found["denoised"], clean, kinds[0]) if "denoised" in found else nothing,
            roi_loss(found["roi"], roi, kinds[1]) if "roi" in found else nothing,
        ]

    def _step(self, batches: np.ndarray, epoch: int, learning_rate: float) -> torch.Tensor:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.zero_grad(set_to_none=False)
        total = torch.zeros(2, dtype=torch.float64)
        weights = (LOSS_SCALE_ADC**2 * self._weights()[0], self._weights()[1])
        for indices in batches:
            features, clean, roi = self._load(self.train, indices, epoch)
            with self._autocast():
                output = self._network(features).float()
            parts = self._losses(output, clean, roi, (self.opt.loss, self.opt.roi_loss))
            loss = sum(w * part for w, part in zip(weights, parts, strict=True) if w) + self._graph_loss()
            self._scaler.scale(loss / len(batches)).backward()
            with torch.no_grad():
                shown = self._losses(output, clean, roi)
            total += torch.stack(shown).double().cpu() * torch.tensor([LOSS_SCALE_ADC**2, 1.0]) / len(batches)
        self.ranks.average([p.grad for p in self.model.parameters() if p.grad is not None])
        self._scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.opt.clip_norm)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        return total

    def _graph_loss(self) -> torch.Tensor | float:
        """The part of the loss that a network with a graph of its own brings along."""
        return getattr(self.model, "graph_loss", 0.0)

    def _batches(self, indices: np.ndarray) -> Iterator[np.ndarray]:
        """Deal micro-batches of the given patches round robin to the ranks."""
        micro = [indices[i : i + self.opt.micro_batch] for i in range(0, len(indices), self.opt.micro_batch)]
        yield from micro[self.ranks.rank :: self.ranks.size]

    @torch.no_grad()
    def _calibrate(self) -> None:
        """Set the running statistics of BatchNorm to the average over calibration patches."""
        if not self._norms:
            return
        for norm in self._norms:
            norm.reset_running_stats()
            norm.momentum = None  # cumulative average
        self.model.train()
        count = 0
        # Epoch 0 is never trained: its order is a fixed random sample.
        chosen = epoch_order(len(self.train), self.settings.seed, 0)[: self.opt.calibration_patches]
        for indices in self._batches(chosen):
            with self._autocast():
                self.model(self._load(self.train, indices)[0])
            count += 1
        # Ranks may have had unequal numbers of micro-batches: weigh their averages.
        statistics = [s for norm in self._norms for s in (norm.running_mean, norm.running_var)]
        everywhere = float(self.ranks.total(torch.tensor(float(count))))
        for tensor in statistics:
            tensor.mul_(count * self.ranks.size / everywhere)
        self.ranks.average(statistics)
        for norm in self._norms:
            norm.num_batches_tracked.zero_()  # differs between ranks and means nothing here

    @torch.no_grad()
    def _validate(self) -> torch.Tensor:
        """Return mean squared error in ADC^2 and cross entropy over all validation patches, float64 (2,)."""
        self.model.eval()
        sums = torch.zeros(3, dtype=torch.float64)
        for indices in self._batches(np.arange(len(self.val))):
            features, clean, roi = self._load(self.val, indices)
            with self._autocast():
                output = self.model(features)
            parts = torch.stack(self._losses(output.double(), clean.double(), roi.double())).cpu()
            sums[:2] += parts * torch.tensor([LOSS_SCALE_ADC**2, 1.0]) * len(indices)
            sums[2] += len(indices)
        sums = self.ranks.total(sums)
        return sums[:2] / sums[2]
