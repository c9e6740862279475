"""Choose the threshold of regions of a network on validation samples and write it into its weights.

    python benchmarks/working_point.py WEIGHTS EVENTS... [--purity 0.9] [--write [--half]]

The lowest threshold at which the pixels that the network takes for signal have the given purity in every one of the event
stores.  ``infer_network`` uses it where the configuration names no other.  ``--half`` stores convolutions in float16, which
halves the file; they are computed in the precision that is asked for.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from protodune.events.store import EventStore
from protodune.events.truth import rebinned, region_truth
from protodune.learning.choice import choose
from protodune.learning.inference import fold_norms, infer_plane
from protodune.learning.network import Network
from protodune.learning.runtime import Model
from protodune.learning.weights import load_weights, save_weights
from protodune.measure.regions import THRESHOLDS, region_counts


def counts(network: Network, events: str, family: str) -> np.ndarray:
    """Found signal pixels and others at each threshold, all planes of a store, int64 (2, thresholds)."""
    total, features = np.zeros((2, len(THRESHOLDS) + 2), np.int64), network.features
    executor = choose(Model(network), "torch", "bfloat16").executor
    with EventStore(events) as store:
        for image in range(len(store)):
            for plane in (p.name for p in store.family(family, image)):
                score = infer_plane(network, features.build(store, plane, image, {}), executor)["regions"]
                if features.rebin == 1:
                    score = rebinned(score)
                good = ~store.bad(plane, image)
                total += region_counts(score[good], region_truth(store.charge_image(plane, image))[good])
    return total


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights")
    parser.add_argument("events", nargs="+")
    parser.add_argument("--purity", type=float, default=0.9)
    parser.add_argument("--write", action="store_true", help="put the threshold into the weights' metadata")
    parser.add_argument("--half", action="store_true", help="with --write: store convolutions in float16")
    a = parser.parse_args()
    network, about = load_weights(a.weights)
    fold_norms(network.module)
    chosen = 0
    for events in a.events:
        found, false = counts(network, events, about["family"])
        everything, found, false = found[0], found[1:-1], false[1:-1]
        purity = found / np.maximum(found + false, 1)
        first = int(np.argmax(purity >= a.purity)) if (purity >= a.purity).any() else len(THRESHOLDS) - 1
        efficiency = found[first] / max(everything, 1)
        print(f"{events}: purity {purity[first]:.3f}, efficiency {efficiency:.3f} at {THRESHOLDS[first]}")
        chosen = max(chosen, first)
    print(f"{a.weights}: threshold {THRESHOLDS[chosen]}")
    if a.write:
        network, about = load_weights(a.weights)  # without folded norms
        for layer in network.module.modules():
            if a.half and isinstance(layer, torch.nn.Conv2d):
                layer.half()
        save_weights(a.weights, network.module, {**about, "threshold": float(THRESHOLDS[chosen])})


if __name__ == "__main__":
    main()
