"""What training minimises, by name: each loss compares one output of a network with its label.

A task says which of them its outputs may take, with which weight, and which one the history reports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from protodune.core.errors import ProtoduneError, suggest
from protodune.learning.network import Network
from protodune.learning.training import dunedn
from protodune.learning.training.settings import OptimiserSettings

LOSS_SCALE_ADC = 5.0
"""Errors of waveforms are in units of 5 ADC, so that gradients are of order one."""
HUBER_ADC = 20.0
"""Beyond this an error counts linearly: a few saturated or torn pulses would otherwise drown all other gradients."""
LOSS_SCALE_ELECTRONS = 500.0
"""Errors of charge are in units of 500 electrons per tick, a tenth of what a particle along the drift leaves in a tick."""
HUBER_ELECTRONS = 4000.0
"""Beyond this an error counts linearly: showers would otherwise drown all other gradients."""
SUMMED_PIXELS = 8
"""Along time: the sums of so many pixels count as well, since a small error that goes on is a large one of a region."""
IGNORED_CLASS = 255
"""Label of pixels that belong to no class: they count neither for nor against the network."""


@dataclass(frozen=True)
class LossFunction:
    """``function`` (output (images, channels, h, w), label (images, 1, h, w)) returns the mean loss, a scalar; ``scale``:
    from it to the unit in which it is reported."""

    function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    scale: float = 1.0


def mse(denoised: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
    """Mean squared error of waveforms in ADC, units of (5 ADC)^2."""
    return F.mse_loss(denoised / LOSS_SCALE_ADC, clean / LOSS_SCALE_ADC)


def huber(denoised: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
    """As ``mse``, but an error above 20 ADC counts linearly."""
    error = F.huber_loss(denoised / LOSS_SCALE_ADC, clean / LOSS_SCALE_ADC, delta=HUBER_ADC / LOSS_SCALE_ADC)
    return 2 * error  # Huber's is half the square


def charge_mse(charge: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """Mean squared error of charge in electrons per tick, units of (500 electrons)^2."""
    return F.mse_loss(charge / LOSS_SCALE_ELECTRONS, true / LOSS_SCALE_ELECTRONS)


def charge_sums(charge: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """As ``charge_mse``, but an error above 4000 electrons counts linearly, and the means of eight pixels along time are
    compared too, with the weight that makes both equal where errors of pixels are independent."""
    pair = [image / LOSS_SCALE_ELECTRONS for image in (charge, true)]
    means = [F.avg_pool2d(image, (1, SUMMED_PIXELS)) for image in pair]
    delta = HUBER_ELECTRONS / LOSS_SCALE_ELECTRONS
    return 2 * (F.huber_loss(*pair, delta=delta) + SUMMED_PIXELS * F.huber_loss(*means, delta=delta))


def class_cross_entropy(logits: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Cross entropy of classes, (images, classes, h, w), with labels of class numbers; the mean over all pixels but those
    with label 255, 0 if there are none."""
    classes = label[:, 0].long()
    total = F.cross_entropy(logits, classes, ignore_index=IGNORED_CLASS, reduction="sum")
    return total / (classes != IGNORED_CLASS).sum().clamp_min(1)


def _on_probability(loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> LossFunction:
    return LossFunction(lambda logit, label: loss(torch.sigmoid(logit), label))


LOSSES: dict[str, LossFunction] = {
    "mse": LossFunction(mse, LOSS_SCALE_ADC**2),
    "huber": LossFunction(huber, LOSS_SCALE_ADC**2),
    "charge_mse": LossFunction(charge_mse, LOSS_SCALE_ELECTRONS**2),
    "charge_sums": LossFunction(charge_sums, LOSS_SCALE_ELECTRONS**2),
    "cross_entropy": LossFunction(F.binary_cross_entropy_with_logits),
    "class_cross_entropy": LossFunction(class_cross_entropy),
    # DUNEdn's others, in their own units.
    **{name: LossFunction(loss) for name, loss in dunedn.WAVEFORM_LOSSES.items() if name != "mse"},
    **{name: _on_probability(loss) for name, loss in dunedn.REGION_LOSSES.items()},
}


@dataclass(frozen=True)
class OutputLoss:
    """How one output is trained: its loss and the loss's weight, and the loss that is reported with its unit."""

    output: str
    loss: LossFunction
    weight: float
    reported: LossFunction
    name: str
    unit: str

    @property
    def weight_of_reported(self) -> float:
        """The weight of what is reported in the sum by which epochs are compared."""
        return self.weight / self.reported.scale


def output_losses(network: Network, settings: OptimiserSettings) -> list[OutputLoss]:
    """Return how each output of a network is trained: as the settings say, else as its task does."""
    task, outputs = network.task_spec, [o.name for o in network.outputs]
    for what, given in (("loss", settings.loss), ("weight", settings.weight)):
        for name in given:
            if name not in outputs:
                raise ProtoduneError(
                    f"training.{what}.{name}: {network.name} makes no '{name}' of the task '{network.task}'"
                    f"{suggest(name, outputs)}, only {', '.join(outputs)}"
                )
    found = []
    for name in outputs:
        spec = task.losses[name]
        chosen = settings.loss.get(name, spec.choices[0])
        if chosen not in spec.choices:
            raise ProtoduneError(
                f"training.loss.{name}: found '{chosen}'{suggest(chosen, list(spec.choices))}, expected one that the task "
                f"'{network.task}' allows: {', '.join(spec.choices)}"
            )
        loss, reported = (_find(network.task, each) for each in (chosen, spec.reports))
        weight = float(settings.weight.get(name, spec.weight))
        found.append(OutputLoss(name, loss, weight, reported, spec.reports, spec.unit))
    if not any(each.weight for each in found):
        raise ProtoduneError(f"training.weight: all of {', '.join(outputs)} are 0, expected one that is not")
    return found


def _find(task: str, name: str) -> LossFunction:
    if name not in LOSSES:
        raise ProtoduneError(
            f"task '{task}': loss '{name}' is unknown{suggest(name, list(LOSSES))}; known: {', '.join(LOSSES)}"
        )
    return LOSSES[name]
