"""Compare the charges that the three planes of an APA see of one point, before and after a method; no truth is needed."""

from __future__ import annotations

import argparse
import logging

from tqdm import tqdm

from protodune.classical.deconvolution import deconvolve
from protodune.measure.crossings import match_points, pulse_charges
from protodune.detector.geometry import PLANES
from protodune.events.predictions import Predictions
from protodune.stages.command import run_stage, stage_parser
from protodune.events.store import EventStore
from protodune.core.tables import write_table

log = logging.getLogger(__name__)
CHARGES = [f"{name}_{plane.lower()}" for name in ("raw", "denoised") for plane in PLANES]
COLUMNS = ["method", "sample", "run", "subrun", "event", "apa", "tick", *(f"channel_{p.lower()}" for p in PLANES), *CHARGES]


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("match_planes", __doc__)
    p.add_argument("--method", required=True)
    p.add_argument("--sample", required=True)
    p.add_argument("--events", required=True, help="HDF5 event store")
    p.add_argument("--induction", required=True, help="HDF5 prediction file of the method")
    p.add_argument("--collection", required=True, help="HDF5 prediction file of the method")
    p.add_argument("--output", required=True, help="TSV to write")
    return p


def run(method: str, sample: str, events: str, induction: str, collection: str, output: str) -> None:
    """Write one row a point that all planes see: its collection tick, channels, and charges in electrons.  A method without
    waveforms has no row."""
    rows = []
    with EventStore(events) as store, Predictions(induction) as two, Predictions(collection) as one:
        found = {"U": two, "V": two, "X": one}
        for part in (one, two):
            part.check_matches(store)
        has_waveforms = one.has("denoised") and two.has("denoised")
        for image in tqdm(range(len(store)), desc=method, unit="image", disable=None) if has_waveforms else ():
            raw = {p: deconvolve(store.waveforms(p, image), p) for p in PLANES}
            good = {p: ~store.bad(p, image) for p in PLANES}
            points = match_points({p: raw[p].tight for p in PLANES}, good, int(store.apa[image]))
            key = (method, sample, *store.event_id(image), int(store.apa[image]))
            columns = [points["X"][:, 1], *(store.channel(p, image)[points[p][:, 0]] for p in PLANES)]
            columns += [pulse_charges(raw.pop(p).charge, points[p]) for p in PLANES]
            columns += [pulse_charges(deconvolve(found[p].denoised(p, image), p).charge, points[p]) for p in PLANES]
            for values in zip(*(c.tolist() for c in columns), strict=True):
                rows.append(dict(zip(COLUMNS, (*key, *values), strict=True)))
    write_table(output, rows, COLUMNS)
    log.info("%s: %d points", output, len(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("match_planes", lambda: run(a.method, a.sample, a.events, a.induction, a.collection, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
