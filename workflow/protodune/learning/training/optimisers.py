"""Optimisers by name, and the learning rate of a step.

LARS: You, Gitman, Ginsburg 2017 (arXiv:1708.03888).  LAMB: You et al. 2020 (arXiv:1904.00962).  Both scale the step of each
tensor by the ratio of the norms of its weights and its step, so that large batches can take large steps; tensors of one
dimension (biases, BatchNorm) are neither scaled so nor decayed, as is usual.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

import torch

from protodune.learning.training.settings import OptimiserSettings

_BETAS, _EPS = (0.9, 0.999), 1e-8
_LARS_TRUST, _LARS_MOMENTUM = 0.001, 0.9


def make_optimiser(parameters: Iterable[torch.nn.Parameter], settings: OptimiserSettings) -> torch.optim.Optimizer:
    """Return the optimiser that ``settings.algorithm`` names."""
    kind = {"adamw": _adamw, "lars": Lars, "lamb": Lamb}[settings.algorithm]
    return kind(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay)


def _adamw(parameters: Iterable[torch.nn.Parameter], lr: float, weight_decay: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=weight_decay, betas=_BETAS, eps=_EPS, foreach=True)


def peak_rate(settings: OptimiserSettings) -> float:
    """Return the highest learning rate: as set, or scaled from ``reference_batch`` to ``global_batch`` (linearly: Goyal et
    al. 2017, arXiv:1706.02677; by the root for Adam: Krizhevsky 2014, arXiv:1404.5997)."""
    if settings.rate_scaling == "none":
        return settings.learning_rate
    ratio = settings.global_batch / settings.reference_batch
    return settings.learning_rate * (ratio if settings.rate_scaling == "linear" else math.sqrt(ratio))


def schedule(step: int, n_steps: int, settings: OptimiserSettings) -> float:
    """Return the learning rate of a step: linear warm-up, then half a cosine to zero."""
    warmup = max(1, round(settings.warmup_fraction * n_steps))
    if step < warmup:
        return peak_rate(settings) * (step + 1) / warmup
    return peak_rate(settings) * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, n_steps - warmup)))


class _Layerwise(torch.optim.Optimizer, ABC):
    """What LARS and LAMB share: a step of each tensor, then its scale."""

    def __init__(self, parameters: Iterable[torch.nn.Parameter], lr: float, weight_decay: float):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Take one step."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weights in group["params"]:
                if weights.grad is not None:
                    decay = group["weight_decay"] if weights.ndim > 1 else 0.0
                    self._update(weights, group["lr"], decay)
        return loss

    @abstractmethod
    def _update(self, weights: torch.Tensor, rate: float, decay: float) -> None:
        """Move ``weights`` by a step of ``rate``."""


class Lars(_Layerwise):
    """Momentum with the layer's own rate: eta |w| / (|g| + decay |w|), eta 0.001, momentum 0.9."""

    def _update(self, weights: torch.Tensor, rate: float, decay: float) -> None:
        state = self.state[weights]
        if not state:
            state["velocity"] = torch.zeros_like(weights)
        gradient = weights.grad + decay * weights
        if weights.ndim > 1:
            of_weights, of_gradient = weights.norm(), weights.grad.norm()
            ratio = _LARS_TRUST * of_weights / (of_gradient + decay * of_weights + _EPS)
            gradient = gradient * torch.where((of_weights > 0) & (of_gradient > 0), ratio, torch.ones_like(ratio))
        state["velocity"].mul_(_LARS_MOMENTUM).add_(gradient, alpha=rate)
        weights.sub_(state["velocity"])


class Lamb(_Layerwise):
    """Adam's step with decoupled decay, scaled to the norm of the weights."""

    def _update(self, weights: torch.Tensor, rate: float, decay: float) -> None:
        state = self.state[weights]
        if not state:
            state["step"] = torch.zeros(())
            state["mean"], state["square"] = torch.zeros_like(weights), torch.zeros_like(weights)
        state["step"] += 1
        state["mean"].lerp_(weights.grad, 1 - _BETAS[0])
        state["square"].lerp_(weights.grad.square(), 1 - _BETAS[1])
        mean, square = (state[k] / (1 - b ** float(state["step"])) for k, b in zip(("mean", "square"), _BETAS, strict=True))
        update = mean / (square.sqrt() + _EPS) + decay * weights
        if weights.ndim > 1:
            of_weights, of_update = weights.norm(), update.norm()
            ratio = of_weights / of_update
            update = update * torch.where((of_weights > 0) & (of_update > 0), ratio, torch.ones_like(ratio))
        weights.sub_(update, alpha=rate)
