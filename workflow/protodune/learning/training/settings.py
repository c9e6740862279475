"""What defines a training; the number of workers does not."""

from __future__ import annotations

from dataclasses import dataclass, field

from protodune.core.errors import ProtoduneError
from protodune.core.settings import defaults_of

ALGORITHMS = ("adamw", "lars", "lamb")
RATE_SCALINGS = ("none", "linear", "sqrt")
COMPRESSIONS = ("none", "float16", "bfloat16")
PRECISIONS = ("float32", "bfloat16", "float16")

_CHOICES = {
    "algorithm": ALGORITHMS,
    "rate_scaling": RATE_SCALINGS,
    "compression": COMPRESSIONS,
    "precision": PRECISIONS,
}


@dataclass(frozen=True)
@defaults_of("models", "*", "training")
class OptimiserSettings:
    """Linear warm-up and cosine decay; ``global_batch`` patches make one step, whoever computes them.

    ``micro_batch`` patches go through the network together and share BatchNorm statistics; it divides ``global_batch``.  The
    ranks share the micro-batches of a step, and each adds up the gradients of its own.  ``algorithm``: ``lars`` and ``lamb``
    are for large batches; ``rate_scaling`` from ``reference_batch`` patches per step to ``global_batch``: ``linear`` or
    ``sqrt``; ``compression`` of the gradients that travel between ranks.

    ``loss`` and ``weight`` by output, where they are not to be the task's own; ``ema_decay`` per step of the average of the
    weights that is validated and kept, 0: the weights themselves; ``patience``: epochs without a better validation after
    which training ends, 0: never; ``compile``: by torch.compile; ``deterministic``: only algorithms that give the same bits
    every time, where torch has them, and gradients added up in float64, so that any number of ranks (of equally many
    threads) gives the same bits."""

    epochs: int
    global_batch: int
    micro_batch: int
    learning_rate: float
    weight_decay: float
    warmup_fraction: float
    clip_norm: float
    precision: str
    calibration_patches: int
    loss: dict[str, str]
    weight: dict[str, float]
    augment: bool
    ema_decay: float
    patience: int
    compile: bool
    deterministic: bool
    algorithm: str
    rate_scaling: str
    reference_batch: int
    compression: str

    def __post_init__(self):
        if min(self.epochs, self.global_batch, self.micro_batch, self.reference_batch) < 1:
            raise ProtoduneError("training: epochs, global_batch, micro_batch and reference_batch must be at least 1")
        if self.global_batch % self.micro_batch:
            raise ProtoduneError(
                f"training: global_batch {self.global_batch} is not a multiple of micro_batch {self.micro_batch}"
            )
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise ProtoduneError(f"training.{name}: found '{getattr(self, name)}', expected {' or '.join(known)}")
        for output, value in self.weight.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise ProtoduneError(f"training.weight.{output}: found {value!r}, expected a number of 0 or more")
        if not 0 <= self.ema_decay < 1 or self.patience < 0:
            raise ProtoduneError("training: ema_decay must lie in [0, 1), patience be 0 or more")
        if self.learning_rate <= 0 or self.clip_norm <= 0:
            raise ProtoduneError("training: learning_rate and clip_norm must be above 0")


@dataclass(frozen=True)
class TrainingSettings:
    """One network for one task and one family of planes.

    ``step`` of the chain that it is for; ``model``: name of the configured network; ``network``: name in the registry, with
    its own ``network_settings``; ``trial``: row of the trial sheet; ``mixed_detectors``: whether patches of several
    detectors may be trained on together.
    """

    task: str
    step: str
    model: str
    network: str
    family: str
    trial: str
    seed: int = 1
    network_settings: dict = field(default_factory=dict)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    mixed_detectors: bool = False
