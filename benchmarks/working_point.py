"""Choose the ROI threshold of a network on validation samples and write it into its weights.

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

from protodune.learning.features.registry import feature_set
from protodune.detector.geometry import PLANE_FAMILIES
from protodune.learning.inference import fold_norms, infer_plane
from protodune.measure.waveforms import THRESHOLDS, roi_counts
from protodune.learning.weights import load_weights, save_weights
from protodune.events.truth import rebinned, roi_truth
from protodune.events.store import EventStore


def counts(model, events: str, family: str) -> np.ndarray:
    """Found signal pixels and others at each threshold, all planes of a store, int64 (2, thresholds)."""
    total, features = np.zeros((2, len(THRESHOLDS) + 2), np.int64), feature_set(model.features)
    with EventStore(events) as store:
        for image in range(len(store)):
            for plane in PLANE_FAMILIES[family]:
                score = infer_plane(model, features.build(store, plane, image), "bfloat16").roi
                if features.rebin == 1:
                    score = rebinned(score)
                good = ~store.bad(plane, image)
                total += roi_counts(score[good], roi_truth(store.charge_image(plane, image))[good])
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
    model, about = load_weights(a.weights)
    fold_norms(model)
    chosen = 0
    for events in a.events:
        found, false = counts(model, events, about["family"])
        everything, found, false = found[0], found[1:-1], false[1:-1]
        purity = found / np.maximum(found + false, 1)
        first = int(np.argmax(purity >= a.purity)) if (purity >= a.purity).any() else len(THRESHOLDS) - 1
        efficiency = found[first] / max(everything, 1)
        print(f"{events}: purity {purity[first]:.3f}, efficiency {efficiency:.3f} at {THRESHOLDS[first]}")
        chosen = max(chosen, first)
    print(f"{a.weights}: threshold {THRESHOLDS[chosen]}")
    if a.write:
        model, about = load_weights(a.weights)  # without folded norms
        about = {k: v for k, v in about.items() if k not in ("format", "format_version")}
        for layer in model.modules():
            if a.half and isinstance(layer, torch.nn.Conv2d):
                layer.half()
        save_weights(a.weights, model, {**about, "roi_threshold": float(THRESHOLDS[chosen])})


if __name__ == "__main__":
    main()
