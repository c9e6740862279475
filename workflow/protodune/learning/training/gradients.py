"""The gradients of a step: added up over micro-batches and ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch

from protodune.learning.training.distributed import Ranks


class Gradients:
    """The gradients of some parameters, which lie in their ``grad``.

    ``exact``: those of micro-batches are added up in float64, and so between ranks; rounded to float32 at the end, the sum
    depends neither on the order nor on the number of ranks.  ``compression``: as what they travel, None as they are;
    ``fusion_mb``: in buffers of at most so many megabytes.
    """

    def __init__(
        self,
        parameters: Iterable[torch.nn.Parameter],
        ranks: Ranks,
        exact: bool = False,
        compression: torch.dtype | None = None,
        fusion_mb: float = 0.0,
    ):
        self._parameters, self._ranks = list(parameters), ranks
        self._compression, self._fusion_mb = compression, fusion_mb
        self._in_use: list[torch.nn.Parameter] = []
        self._exact: dict[torch.nn.Parameter, torch.Tensor] | None = {} if exact else None

    def add_micro_batch(self) -> None:
        """Count in what a backward pass left; without ``exact`` it has added itself up."""
        if self._exact is None:
            return
        for parameter in self._parameters:
            if parameter.grad is not None:
                self._sum_of(parameter).add_(parameter.grad)
                parameter.grad.zero_()

    def begin_sum(self) -> Callable[[], None]:
        """Start to add up over the ranks; return what waits and then leaves the sums in ``grad``."""
        if not self._in_use:
            self._in_use = self._agree()
        sums = [p.grad if self._exact is None else self._sum_of(p) for p in self._in_use]
        wait = self._ranks.begin_sum(sums, self._compression, self._fusion_mb)

        def finish() -> None:
            wait()
            for parameter, total in (self._exact or {}).items():
                parameter.grad.copy_(total)
                total.zero_()

        return finish

    def _sum_of(self, parameter: torch.nn.Parameter) -> torch.Tensor:
        if parameter not in self._exact:
            self._exact[parameter] = torch.zeros_like(parameter, dtype=torch.float64)
        return self._exact[parameter]

    def _agree(self) -> list[torch.nn.Parameter]:
        """Return the parameters that have a gradient on any rank; a rank without a micro-batch takes part with zeros."""
        has_one = self._ranks.total(torch.tensor([float(p.grad is not None) for p in self._parameters]))
        in_use = [p for p, n in zip(self._parameters, has_one.tolist(), strict=True) if n]
        for parameter in in_use:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        return in_use
