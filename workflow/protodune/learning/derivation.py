"""What is computed from the outputs of a network, and where it is found by name.

It is imported when a network is used, not when it is trained: an edit of the deconvolution trains no network again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from protodune.core.registry import load
from protodune.events.products import Output, Place, PlaneProduct
from protodune.events.store import EventStore
from protodune.learning.network import Network

PACKAGE = "protodune.learning.derived"


@dataclass(frozen=True)
class Derivation:
    """One output: ``run`` (store, place, product of the network, threshold of regions) returns its image, (channels,
    ticks), from the outputs that it ``needs``."""

    run: Callable[[EventStore, Place, PlaneProduct, float], np.ndarray]
    needs: tuple[str, ...]


def find_derivation(name: str) -> Derivation:
    """Return the derivation of this name: one of ``learning.derived``, or of a module of your own (``package.module``)."""
    return load(PACKAGE, name, "DERIVATION", Derivation, "derived output")


def derivations_of(network: Network) -> dict[Output, Derivation]:
    """Return what is computed from the outputs of a network: all of its task that it does not make itself, and that it
    makes enough for."""
    made = {o.name for o in network.outputs}
    found = {}
    for output, name in network.task_spec.derived.items():
        derivation = find_derivation(name)
        if output not in made and made.issuperset(derivation.needs):
            found[network.task_spec.output(output)] = derivation
    return found
