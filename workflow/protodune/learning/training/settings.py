"""What defines a training; the number of workers does not."""

from __future__ import annotations

from dataclasses import dataclass, field

from protodune.core.errors import ProtoduneError

ALGORITHMS = ("adamw", "lars", "lamb")
RATE_SCALINGS = ("none", "linear", "sqrt")
COMPRESSIONS = ("none", "float16", "bfloat16")
PRECISIONS = ("float32", "bfloat16", "float16")
LOSSES = ("huber", "mse", "imae", "ssim", "ssim_l1", "ssim_l2")
ROI_LOSSES = ("cross_entropy", "bce", "softdice", "bce_dice")
"""The first is ours, the others are DUNEdn's (``training.dunedn``)."""


_CHOICES = {
    "loss": LOSSES,
    "roi_loss": ROI_LOSSES,
    "algorithm": ALGORITHMS,
    "rate_scaling": RATE_SCALINGS,
    "compression": COMPRESSIONS,
}


@dataclass(frozen=True)
class OptimiserSettings:
    """Linear warm-up and cosine decay; ``global_batch`` patches make one step, whoever computes them.

    ``micro_batch`` patches go through the network together and share BatchNorm statistics; it divides ``global_batch``.  The
    ranks share the micro-batches of a step, and each adds up the gradients of its own.  ``algorithm``: ``lars`` and ``lamb``
    are for large batches; ``rate_scaling`` from ``reference_batch`` patches a step to ``global_batch``: ``linear`` or
    ``sqrt``; ``compression`` of the gradients that travel between ranks.

    ``loss`` of the waveforms and ``roi_loss`` of the regions, which counts ``roi_weight`` times beside it; ``ema_decay`` a
    step of the average of the weights that is validated and kept, 0: the weights themselves; ``patience``: epochs without a
    better validation after which training ends, 0: never; ``compile``: by torch.compile; ``deterministic``: only algorithms
    that give the same bits every time, where torch has them, and gradients added up in float64, so that any number of ranks
    (of equally many threads) gives the same bits."""

    epochs: int = 8
    global_batch: int = 8
    micro_batch: int = 4
    learning_rate: float = 5e-3
    weight_decay: float = 1e-4
    warmup_fraction: float = 0.05
    clip_norm: float = 1.0
    precision: str = "float32"
    calibration_patches: int = 128
    loss: str = "huber"
    roi_loss: str = "cross_entropy"
    roi_weight: float = 0.2
    augment: bool = True
    ema_decay: float = 0.0
    patience: int = 0
    compile: bool = False
    deterministic: bool = False
    algorithm: str = "adamw"
    rate_scaling: str = "none"
    reference_batch: int = 8
    compression: str = "none"

    def __post_init__(self):
        if min(self.epochs, self.global_batch, self.micro_batch, self.reference_batch) < 1:
            raise ProtoduneError("training: epochs, global_batch, micro_batch and reference_batch must be at least 1")
        if self.global_batch % self.micro_batch:
            raise ProtoduneError(
                f"training: global_batch {self.global_batch} is not a multiple of micro_batch {self.micro_batch}"
            )
        if self.precision not in PRECISIONS:
            raise ProtoduneError(f"training.precision: found '{self.precision}', expected {' or '.join(PRECISIONS)}")
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise ProtoduneError(f"training.{name}: found '{getattr(self, name)}', expected {' or '.join(known)}")
        if not 0 <= self.ema_decay < 1 or self.roi_weight < 0 or self.patience < 0:
            raise ProtoduneError("training: ema_decay must lie in [0, 1), roi_weight and patience be 0 or more")
        if self.learning_rate <= 0 or self.clip_norm <= 0:
            raise ProtoduneError("training: learning_rate and clip_norm must be above 0")


@dataclass(frozen=True)
class TrainingSettings:
    """One network of one plane family."""

    task: str
    model: str
    architecture: str
    family: str
    trial: str
    seed: int = 1
    network: dict = field(default_factory=dict)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
