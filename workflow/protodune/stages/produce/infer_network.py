"""Denoise the planes of a sample with a trained network."""

from __future__ import annotations

import argparse
import dataclasses
import logging

import numpy as np
import torch

from protodune.classical.cut import apply_cut
from protodune.learning.features.registry import feature_set
from protodune.core.energy import EnergyMeter, in_words
from protodune.detector.geometry import PLANE_FAMILIES
from protodune.learning.inference import fold_norms, infer_plane
from protodune.core.memory import keep_freed_memory
from protodune.learning.weights import load_weights
from protodune.events.predictions import predict_sample
from protodune.events.products import PlaneProduct
from protodune.core.provenance import versions
from protodune.core.settings import parse_settings
from protodune.stages.command import run_stage, stage_parser
from protodune.events.store import EventStore

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class NetworkSettings:
    """``task`` and, unless None, ``model`` must be those of the weights; samples of size up to ``cut_adc`` become zero;
    ``roi_threshold`` is the score of a region of interest, None: what the weights say, or 0.5; ``memory_mb`` for
    activations, None: as ``inference`` finds it."""

    task: str
    model: str | None = None
    cut_adc: float = 0.0
    roi_threshold: float | None = None
    precision: str = "float32"
    memory_mb: int | None = None


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("infer_network", __doc__)
    p.add_argument("--settings", required=True, help="JSON of NetworkSettings")
    p.add_argument("--plane", required=True, choices=sorted(PLANE_FAMILIES))
    p.add_argument("--events", required=True, help="HDF5 event store")
    p.add_argument("--weights", required=True, help="weights of the network")
    p.add_argument("--output", required=True, help="HDF5 prediction file to write")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--code", default="", help="digest of the code, with which an interrupted run may go on")
    return p


def run(settings: NetworkSettings, plane: str, events: str, weights: str, output: str, threads: int, code: str = "") -> None:
    """Write the predictions of one network for one plane family of one sample."""
    keep_freed_memory()
    torch.set_num_threads(max(1, threads))
    expected = {"task": settings.task, "model": settings.model, "family": plane}
    model, trained = load_weights(weights, expected)
    chosen = feature_set(model.features)
    fold_norms(model)
    if torch.cuda.is_available():
        model.cuda()

    def method(store: EventStore, view: str, image: int) -> PlaneProduct:
        product = infer_plane(model, chosen.build(store, view, image), settings.precision, settings.memory_mb)
        for name, coarse in product.images().items() if chosen.rebin > 1 else ():
            fine = np.repeat(coarse, chosen.rebin, axis=1)
            setattr(product, name, np.pad(fine, ((0, 0), (0, store.ticks - fine.shape[1]))))
        if product.denoised is not None:
            product.denoised = apply_cut(product.denoised, settings.cut_adc)
        return product

    threshold = settings.roi_threshold or trained.get("roi_threshold", 0.5)
    about = {
        "roi_threshold": threshold,
        "settings": dataclasses.asdict(settings),
        "weights": weights,
        "trained": trained,
        "versions": versions("numpy", "scipy", "torch"),
    }
    meter = EnergyMeter()
    predict_sample(method, events, plane, output, about, code)
    with EventStore(events) as store:
        count = len({store.event_id(image) for image in range(len(store))})
    log.info("%s: %s", events, in_words(meter.joules() / max(1, count), f"an event for {plane} ({meter.source})"))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage(
        "infer",
        lambda: run(parse_settings(NetworkSettings, a.settings), a.plane, a.events, a.weights, a.output, a.threads, a.code),
    )


if __name__ == "__main__":
    raise SystemExit(main())
