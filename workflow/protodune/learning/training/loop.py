"""The training loop: same seed, same data, same global batch, same model, on one rank or many.

An epoch visits every patch once, in an order that depends on seed and epoch only.  A step adds up the gradients of the
micro-batches of ``global_batch`` patches, which are dealt to the ranks like cards: a rank reads its own and no other.
BatchNorm uses the statistics of the micro-batch while training; before each validation its running statistics are set to
the average over calibration patches of the training sample, so they do not depend on the number of ranks.  (Statistics of
whole planes, which hold far less signal than the patches, nearly double the error: measured 0.25 against 0.14 ADC^2.)
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from tqdm import tqdm

from protodune.learning.patch_files import PatchFiles
from protodune.core.energy import EnergyMeter, in_words
from protodune.core.errors import ProtoduneError
from protodune.learning.training.augment import augment
from protodune.learning.training.checkpoint import RollingCheckpoints, restored
from protodune.learning.training.distributed import Ranks
from protodune.learning.training.gradients import Gradients
from protodune.learning.training.losses import LOSS_SCALE_ADC, roi_loss, waveform_loss
from protodune.learning.training.optimisers import make_optimiser, schedule
from protodune.learning.training.records import EpochRecord, Progress, Stopwatch
from protodune.learning.training.settings import TrainingSettings
from protodune.learning.training.watchdog import Watchdog

log = logging.getLogger(__name__)

AGREE_EVERY = 32
"""Steps between two questions to rank 0 whether a checkpoint is due."""


def epoch_order(n_patches: int, seed: int, epoch: int) -> np.ndarray:
    """Return the order in which an epoch visits the patches: a permutation that depends on seed and epoch only."""
    return np.random.default_rng([seed, epoch]).permutation(n_patches)


def micro_batches(indices: np.ndarray, micro_batch: int, rank: int, size: int) -> list[np.ndarray]:
    """Return the micro-batches of one rank, of those that ``indices`` are cut into: dealt like cards."""
    return [indices[i : i + micro_batch] for i in range(0, len(indices), micro_batch)][rank::size]


class Trainer:
    """Trains one network; rank 0 alone logs and writes."""

    def __init__(
        self,
        model: torch.nn.Module,
        settings: TrainingSettings,
        train: PatchFiles,
        val: PatchFiles,
        ranks: Ranks,
        watchdog: Watchdog | None = None,
        fusion_mb: float = 64.0,
    ):
        self.model, self.settings, self.opt = model, settings, settings.optimiser
        self.train, self.val, self.ranks = train, val, ranks
        self.watchdog = watchdog or Watchdog(0, ranks.rank)
        self.device = _device(ranks)
        self.model.to(self.device)
        if train.features != model.features:
            raise ProtoduneError(
                f"training: patches of features '{train.features}', but {settings.architecture} takes '{model.features}'; "
                f"give the patch set 'features: {model.features}'"
            )
        self._check_sizes()
        self.steps_per_epoch = math.ceil(len(train) / self.opt.global_batch)
        self.optimizer = make_optimiser(model.parameters(), self.opt)
        self.stopwatch = Stopwatch()
        compression = None if self.opt.compression == "none" else getattr(torch, self.opt.compression)
        self._gradients = Gradients(model.parameters(), ranks, self.opt.deterministic, compression, fusion_mb)
        self._norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        # float16 has no exponent to spare: its gradients are scaled up, and steps that overflow are left out.
        self._scaler = _gradient_scaler(self.device.type, self.opt.precision == "float16")
        self._network = torch.compile(model) if self.opt.compile else model
        if self.opt.deterministic:
            torch.use_deterministic_algorithms(True, warn_only=True)
            torch.backends.cudnn.benchmark = False
        ranks.broadcast([t.data for t in model.state_dict().values() if t.is_floating_point()])
        self._average = {k: v.detach().clone() for k, v in model.state_dict().items()} if self.opt.ema_decay else None
        self._kept: dict[str, torch.Tensor] = {}
        self._ahead: list[tuple[torch.Tensor, ...]] = []
        self._ahead_of: tuple[int, bytes] | None = None

    @property
    def n_steps(self) -> int:
        """Optimiser steps of the whole training."""
        return self.steps_per_epoch * self.opt.epochs

    def _check_sizes(self) -> None:
        if len(self.train) < self.opt.global_batch or len(self.val) == 0:
            raise ProtoduneError(
                f"training: {len(self.train)} training and {len(self.val)} validation patches, expected at least "
                f"global_batch = {self.opt.global_batch} and 1; raise per_image of the patch set or add samples"
            )
        if self.ranks.size > len(self.train):
            raise ProtoduneError(
                f"training: {self.ranks.size} ranks for {len(self.train)} training patches, expected at most one a patch; "
                "use fewer ranks or add samples"
            )
        shape, step = self.train.patch_shape, self.model.multiple
        if shape[0] % step[0] or shape[1] % step[1]:
            raise ProtoduneError(
                f"training: patches of {shape[0]} x {shape[1]}, but {self.settings.architecture} takes multiples of "
                f"{step[0]} x {step[1]}; change height and width of the patch set"
            )
        share = self.opt.global_batch // self.opt.micro_batch
        if share % self.ranks.size and self.ranks.rank == 0:
            log.warning(
                "%d micro-batches a step (global_batch %d / micro_batch %d) do not divide among %d ranks: some wait for the "
                "others; the result is the same, but fewer ranks or a larger global_batch would waste less",
                share, self.opt.global_batch, self.opt.micro_batch, self.ranks.size,
            )  # fmt: skip

    def fit(
        self, checkpoints: RollingCheckpoints, stop: Callable[[EpochRecord], bool] | None = None
    ) -> tuple[dict[str, torch.Tensor], list[EpochRecord]]:
        """Train all epochs, from the last checkpoint if there is one; return the best state and the history.

        ``stop`` is asked after every epoch whether it was the last; rank 0's answer counts."""
        history, best, progress = self._resume(checkpoints)
        for epoch in range(len(history) + 1, self.opt.epochs + 1):
            if self.opt.patience and self._epochs_since_best(history) >= self.opt.patience:
                self._say(f"no better epoch in {self.opt.patience}, training ends")
                break

            def keep(step: int, progress: Progress, history: list[EpochRecord] = history, best: dict = best) -> None:
                checkpoints.save(len(history), step, self._state(history, best, progress))

            record = self._epoch(epoch, progress, lambda: self._agree(checkpoints.due()), keep)
            progress = Progress()
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
                if checkpoints.due() or checkpoints.affordable():
                    checkpoints.save(epoch, 0, self._state(history, best, progress))
            if stop is not None and self._agree(stop(record)):
                break
        return best, history

    def _resume(self, checkpoints: RollingCheckpoints) -> tuple[list[EpochRecord], dict[str, torch.Tensor], Progress]:
        """Return history, best state and progress of the last checkpoint, after taking over the rest of it.

        Rank 0 reads it for all: ranks that looked for themselves might not see the same files.
        """
        content = self.ranks.share(checkpoints.latest() if self.ranks.rank == 0 else b"")
        if not content:
            return [], {}, Progress()
        state = restored(content)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])
        self._average = {k: v.to(self.device) for k, v in state["average"].items()} or None
        self._say(f"resumed after epoch {state['epoch']}" + (f", step {state['step']}" if state["step"] else ""))
        progress = Progress(state["step"], state["sums"], state["seconds"], state["joules"])
        if self.ranks.rank:
            progress.sums = torch.zeros_like(progress.sums)  # they are those of all ranks
        return [EpochRecord(**line) for line in state["history"]], state["best"], progress

    def _state(self, history: list[EpochRecord], best: dict[str, torch.Tensor], progress: Progress) -> dict:
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "history": [vars(r) for r in history],
            "best": best,
            "average": self._average or {},
            "sums": progress.sums,
            "seconds": progress.seconds,
            "joules": progress.joules,
        }

    def _agree(self, rank_0_wants: bool) -> bool:
        """Return what rank 0 wants, on all ranks."""
        return bool(self.ranks.total(torch.tensor(float(rank_0_wants and self.ranks.rank == 0))))

    def _say(self, message: str) -> None:
        if self.ranks.rank == 0:
            log.info(message)

    def _log(self, record: EpochRecord) -> None:
        errors = {
            "MSE %.4f and %.4f ADC^2": (record.train_mse, record.val_mse),
            "regions %.4f and %.4f": (record.train_roi, record.val_roi),
        }
        log.info(
            "epoch %d/%d: training and validation %s, learning rate %.2e, %.1f s (data %.1f, communication %.1f), "
            "%.2f Mpixel/s, %s",
            record.epoch, self.opt.epochs,
            ", ".join(text % values for text, values in errors.items() if not math.isnan(values[0])),
            record.learning_rate, record.seconds, record.data_s, record.communication_s, record.mpixel_per_s,
            in_words(record.joules, "an epoch"),
        )  # fmt: skip

    def _epoch(
        self, epoch: int, begun: Progress, due: Callable[[], bool], keep: Callable[[int, Progress], None]
    ) -> EpochRecord:
        """Train and validate one epoch from where ``begun`` left it; ``keep`` a checkpoint whenever one is ``due``."""
        started, meter = time.perf_counter() - begun.seconds, EnergyMeter()
        self.model.train()
        # Running statistics are set by calibration; while training they are neither used nor moved.
        for norm in self._norms:
            norm.momentum = 0.0
        order = epoch_order(len(self.train), self.settings.seed, epoch)
        sums, joules, learning_rate = begun.sums.clone(), begun.joules, 0.0
        self.stopwatch = Stopwatch()
        hidden = None if self.ranks.rank == 0 else True
        steps = range(begun.step, self.steps_per_epoch)
        for number in tqdm(steps, f"epoch {epoch}", unit="step", disable=hidden, leave=False):
            patches, following = (
                order[n * self.opt.global_batch : (n + 1) * self.opt.global_batch] for n in (number, number + 1)
            )
            done = (epoch - 1) * self.steps_per_epoch + number
            learning_rate = schedule(done, self.n_steps, self.opt)
            sums += self.step(patches, epoch, learning_rate, following if len(following) else None)
            self._follow_average(done)
            self.watchdog.progress(f"epoch {epoch}, step {number + 2}")
            if (number + 1) % AGREE_EVERY == 0 and number + 1 < self.steps_per_epoch and due():
                joules += self._joules(meter)
                together = Progress(number + 1, self.ranks.total(sums), time.perf_counter() - started, joules)
                if self.ranks.rank == 0:
                    keep(number + 1, together)
        train = self.ranks.total(sums) / self.steps_per_epoch
        trained = time.perf_counter() - started
        pixels = len(order) * math.prod(self.train.patch_shape)
        with self._averaged():
            self._calibrate()
            val = self._validate()
            self._kept = {k: v.detach().cpu().clone() for k, v in self.model.state_dict().items()}
        val_loss = sum(float(w * v) for w, v in zip(self._weights(), val, strict=True) if w)
        seconds = time.perf_counter() - started
        return EpochRecord(
            epoch, learning_rate, float(train[0]), float(val[0]), float(train[1]), float(val[1]), val_loss, seconds,
            pixels / trained / 1e6, self.stopwatch.seconds["data"], self.stopwatch.seconds["communication"],
            joules + self._joules(meter),
        )  # fmt: skip

    def _joules(self, meter: EnergyMeter) -> float:
        """Joules of all nodes since the last call: the first rank of each reads its counters."""
        used = meter.joules() if self.ranks.local_rank == 0 else 0.0
        return float(self.ranks.total(torch.tensor(used, dtype=torch.float64)))

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
        with self.stopwatch.on("data"):
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

    def step(
        self, patches: np.ndarray, epoch: int, learning_rate: float, next_patches: np.ndarray | None = None
    ) -> torch.Tensor:
        """Take a step on ``patches``; return this rank's part of the mean of the two losses, float64 (2,).

        ``next_patches``: those of the next step, which are read while the gradients travel."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.zero_grad(set_to_none=False)
        total = torch.zeros(2, dtype=torch.float64)
        weights = (LOSS_SCALE_ADC**2 * self._weights()[0], self._weights()[1])
        loaded = self._ahead if self._ahead_of == (epoch, patches.tobytes()) else None
        results = []
        for number, indices in enumerate(self._batches(patches)):
            share = len(indices) / len(patches)
            features, clean, roi = loaded[number] if loaded else self._load(self.train, indices, epoch)
            with self._autocast():
                output = self._network(features).float()
            parts = self._losses(output, clean, roi, (self.opt.loss, self.opt.roi_loss))
            loss = sum(w * part for w, part in zip(weights, parts, strict=True) if w) + self._graph_loss()
            self._scaler.scale(loss * share).backward()
            self._gradients.add_micro_batch()
            results.append((output.detach(), clean, roi, share))
        finish = self._gradients.begin_sum()
        # While the gradients travel: the losses to show, and the patches of the next step.
        with torch.no_grad():
            for output, clean, roi, share in results:
                shown = self._losses(output, clean, roi)
                total += torch.stack(shown).double().cpu() * torch.tensor([LOSS_SCALE_ADC**2, 1.0]) * share
        if next_patches is not None and self.ranks.size > 1:
            self._ahead = [self._load(self.train, indices, epoch) for indices in self._batches(next_patches)]
            self._ahead_of = (epoch, next_patches.tobytes())
        with self.stopwatch.on("communication"):
            finish()
        self._scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.opt.clip_norm)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        return total

    def _graph_loss(self) -> torch.Tensor | float:
        """The part of the loss that a network with a graph of its own brings along."""
        return getattr(self.model, "graph_loss", 0.0)

    def _batches(self, indices: np.ndarray) -> list[np.ndarray]:
        """Return this rank's micro-batches of the given patches."""
        return micro_batches(indices, self.opt.micro_batch, self.ranks.rank, self.ranks.size)

    @torch.no_grad()
    def _calibrate(self) -> None:
        """Set the running statistics of BatchNorm to the average over calibration patches."""
        if not self._norms:
            return
        for norm in self._norms:
            norm.momentum = 1.0  # its running statistics become those of the micro-batch
        self.model.train()
        statistics = [s for norm in self._norms for s in (norm.running_mean, norm.running_var)]
        # Added up in float64, so that neither the order nor the number of ranks is left in the sums.
        sums = [torch.zeros_like(s, dtype=torch.float64) for s in statistics]
        count = torch.zeros((), dtype=torch.float64)
        # Epoch 0 is never trained: its order is a fixed random sample.
        chosen = epoch_order(len(self.train), self.settings.seed, 0)[: self.opt.calibration_patches]
        for indices in self._batches(chosen):
            with self._autocast():
                self.model(self._load(self.train, indices)[0])
            self.watchdog.progress("calibration")
            count += 1
            for part, statistic in zip(sums, statistics, strict=True):
                part += statistic
        self.ranks.begin_sum(sums)()
        everywhere = float(self.ranks.total(count))
        for part, statistic in zip(sums, statistics, strict=True):
            statistic.copy_(part / everywhere)
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
            self.watchdog.progress("validation")
        sums = self.ranks.total(sums)
        return sums[:2] / sums[2]


def _device(ranks: Ranks) -> torch.device:
    """Return the GPU of this rank's place on its node, or the CPU; a rank that sees one GPU only takes that."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", ranks.local_rank % torch.cuda.device_count())
    torch.cuda.set_device(device)  # NCCL takes the current one
    return device


def _gradient_scaler(device: str, enabled: bool) -> torch.amp.GradScaler:
    """Return the scaler of float16 gradients; before torch 2.3 there was one for GPUs only."""
    if hasattr(torch.amp, "GradScaler"):
        return torch.amp.GradScaler(device, enabled=enabled)
    if enabled and device != "cuda":
        raise ProtoduneError(
            f"training.precision: float16 on a CPU needs torch 2.3, found {torch.__version__}; take bfloat16 or float32"
        )
    return torch.cuda.amp.GradScaler(enabled=enabled)
