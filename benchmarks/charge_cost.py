"""What charge costs: CPU seconds per unit and event from digits to the charge of all planes, by method.

    OMP_NUM_THREADS=1 python benchmarks/charge_cost.py EVENTS [--precision bfloat16] [--repeats 6]

EVENTS: an event store.  One thread, the median of the repeats, files read and nothing written.  Networks that know induction
planes alone have the classical deconvolution beside them for collection, as two jobs would: nothing is shared between both.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

import numpy as np
import torch

from protodune.classical.methods import MethodSettings, read_plane, run_method
from protodune.core.memory import keep_freed_memory
from protodune.events.products import Place
from protodune.events.store import EventStore
from protodune.learning.deconvolved import deconvolved_plane
from protodune.learning.method import NetworkSettings, PlanesByNetwork, load_method
from protodune.learning.weights import load_weights

ZOO = Path(__file__).resolve().parents[1] / "zoo"
METHODS = {
    "classical": {},
    "U-Net": {"collection": "unet.collection", "induction": "unet.induction"},
    "dnnroi": {"induction": "dnnroi.induction"},
    "dnnroi_charge": {"induction": "dnnroi_charge.induction"},
}
CLASSICAL = MethodSettings(("sticky", "tails", "low_pass", "coherent", "deconvolve"))

Make = Callable[[EventStore, Place], object]


def by_network(name: str, precision: str) -> Make:
    """Return what runs one network of ``zoo/`` on a plane."""
    weights = ZOO / f"{name}.safetensors"
    about = load_weights(weights)[1]
    settings = NetworkSettings(about["task"], runtime="auto", precision=precision)
    planes = PlanesByNetwork(load_method(settings, about["family"], str(weights)), {})
    return lambda store, place: planes(store, [place])


def classical(store: EventStore, place: Place) -> object:
    """Run the classical deconvolution on a plane."""
    return run_method(CLASSICAL, read_plane(store, place))


def main() -> None:
    """Measure and print, a line per method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events")
    parser.add_argument("--precision", default="bfloat16", choices=("float32", "bfloat16"))
    parser.add_argument("--repeats", type=int, default=6)
    a = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    with EventStore(a.events) as store:
        for method, weights in METHODS.items():
            makes = {family: by_network(name, a.precision) for family, name in weights.items()}
            seconds = []
            for repeat in range(a.repeats + 1):
                deconvolved_plane.cache_clear()
                image, started = repeat % len(store), time.process_time()
                for family in ("induction", "collection"):
                    for plane in store.family(family, image):
                        makes.get(family, classical)(store, Place(image, plane))
                seconds.append(time.process_time() - started)
            print(f"{method}: {np.median(seconds[1:]):.2f} CPU s (each: {', '.join(f'{s:.2f}' for s in seconds[1:])})")


if __name__ == "__main__":
    main()
