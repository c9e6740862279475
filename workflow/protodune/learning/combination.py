"""Scores of regions of several methods as one: methods that err independently find more together at the same purity."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from protodune.core.errors import ProtoduneError
from protodune.events.store import EventStore
from protodune.events.truth import rebinned
from protodune.learning.featureset import Inputs
from protodune.learning.network import Network

REGIONS = "regions"
_LEAST_SCORE, _HALF_A_STEP = 1e-6, 1 / 510


def check_combined(weights: Mapping[str, float], inputs: Inputs, network: Network, store: EventStore, family: str) -> None:
    """Raise a ProtoduneError unless network and earlier steps have regions, of these events and planes."""
    if weights and REGIONS not in {output.name for output in network.outputs}:
        raise ProtoduneError(
            f"combine: network '{network.name}' makes no '{REGIONS}', expected one that does; take 'combine' out"
        )
    for step in weights:
        if step not in inputs:
            raise ProtoduneError(
                f"combine: found no products of step '{step}' among {', '.join(inputs) or 'none'}; give them with --inputs "
                "STEP=FILE, or 'reads' of the step in the configuration"
            )
        inputs[step].check_matches(store)
        if inputs[step].family != family or not inputs[step].has(REGIONS):
            raise ProtoduneError(
                f"{inputs[step].path}: products of {inputs[step].family} planes with {', '.join(inputs[step].names())}, "
                f"expected '{REGIONS}' of {family} planes"
            )


def combined(score: np.ndarray, others: Mapping[str, np.ndarray], weights: Mapping[str, float], rebin: int) -> np.ndarray:
    """Return scores of regions, (channels, ticks // rebin): their log-odds are the sum of those of ``score``, likewise, and
    of ``others`` by step, (channels, ticks), times ``weights``.

    Scores of products have steps of 1/255: one of 0 counts as half a step, one of 1 as half a step less.
    """
    total = _log_odds(score, _LEAST_SCORE)
    for step, other in others.items():
        total += np.float32(weights[step]) * _log_odds(rebinned(other, rebin) if rebin > 1 else other, _HALF_A_STEP)
    return 1 / (1 + np.exp(-total))


def _log_odds(score: np.ndarray, least: float) -> np.ndarray:
    score = np.clip(score, least, 1 - least).astype(np.float32)
    return np.log(score / (1 - score))
