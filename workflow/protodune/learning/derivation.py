"""What is computed from the outputs of a network, and where it is found by name.

It is imported when a network is used, not when it is trained: an edit of the deconvolution trains no network again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from protodune.core.registry import load
from protodune.events.products import Output, Place, PlaneProduct
from protodune.events.store import EventStore
from protodune.learning.network import Network

PACKAGE = "protodune.learning.derived"


@dataclass(frozen=True)
class Derivation:
    """``run`` (store, place, product of the network, threshold of regions) returns images, (channels, ticks), by the name of
    the output, from the outputs that it ``needs``."""

    run: Callable[[EventStore, Place, PlaneProduct, float], PlaneProduct]
    needs: tuple[str, ...]


def find_derivation(name: str) -> Derivation:
    """Return the derivation of this name: one of ``learning.derived``, or of a module of your own (``package.module``)."""
    return load(PACKAGE, name, "DERIVATION", Derivation, "derived output")


def derivations_of(network: Network) -> dict[tuple[Output, ...], Derivation]:
    """Return what is computed from the outputs of a network: all of its task that it makes enough for and does not make
    itself.  A derivation may work over what it needs, but replaces no other output of the network."""
    made = {o.name for o in network.outputs}
    found = {}
    for name, outputs in network.task_spec.derived.items():
        derivation = find_derivation(name)
        is_new = not made.issuperset(outputs) and made.intersection(outputs).issubset(derivation.needs)
        if is_new and made.issuperset(derivation.needs):
            found[tuple(network.task_spec.output(output) for output in outputs)] = derivation
    return found
