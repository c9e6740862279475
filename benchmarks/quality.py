"""What a network is worth beside the classical methods, sample by sample, from the scores of a finished run.

    python benchmarks/quality.py RESULTS [--network zoo.v1] [--purity 0.9]

For each sample and plane family (for prolonged tracks: the plane that their angle is for): squared error and its ratio to
the best classical method, charge, amplitude, area under the ROC curve, and pixel efficiency and purity of regions at the
threshold of the run.  Last, the threshold at which all samples together have the purity that is asked for, and what each has
there.  A threshold for use must be chosen on validation samples, not on those it is quoted for.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from protodune.core.tables import read_table
from protodune.detector.model import FAMILIES
from protodune.measure.average import mean_over_events
from protodune.measure.curves import OTHER, SIGNAL, by_event, rates

SHOWN = ("mse", "signal_bias", "charge_bias", "charge_resolution", "region_auc", "pixel_efficiency", "pixel_purity",
         "region_efficiency", "region_purity")  # fmt: skip
WITH_REGIONS = "deconvolution_regions"
"""A classical method that is always shown: it finds regions."""
ANGLE_SAMPLES = "angle_"
"""Samples of tracks at one angle are called so, with the letter of their plane: of ``angle_u80`` only U counts."""


def of_planes(path: Path) -> list[dict[str, str]]:
    """Scores of a sample on all channels of the planes that count."""
    rows = [r for r in read_table(path) if r["channels"] == "all"]
    if not path.stem.startswith(ANGLE_SAMPLES):
        return rows
    return [r for r in rows if r["plane"] == path.stem[len(ANGLE_SAMPLES)].upper()]


def means(path: Path) -> dict[str, tuple[float, float]]:
    """Mean and error over events of every metric."""
    rows, found = of_planes(path), {}
    for metric in SHOWN:
        part = [r for r in rows if r["metric"] == metric]
        if part:
            keys = [(r["run"], r["subrun"], r["event"]) for r in part]
            found[metric] = mean_over_events([float(r["value"]) for r in part], keys)[:2]
    return found


def compare(scores: Path, network: str, family: str, sample: str) -> None:
    """Print what the network and the best classical method have on a sample."""
    others = {p.parts[-3]: means(p) for p in sorted(scores.glob(f"*/*/{family}/{sample}.tsv"))}
    mine = others.pop(network)
    if not mine:
        return
    classical = {m: v for m, v in others.items() if "mse" in v}
    best = min(classical, key=lambda m: classical[m]["mse"][0], default=None)
    print(f"{family}, {sample}:")
    beside = {name: values for name, values in others.items() if name in (best, WITH_REGIONS)}
    for name, values in {network: mine, **beside}.items():
        text = ", ".join(f"{k} {m:.4g}" + (f" ± {e:.1g}" if e == e else "") for k, (m, e) in values.items())
        print(f"  {name}: {text}")
    if best and "mse" in mine:
        print(f"  MSE ratio to {best}: {mine['mse'][0] / classical[best]['mse'][0]:.3f}")
    aucs = {n: v["region_auc"][0] for n, v in others.items() if "region_auc" in v}
    if aucs:
        print(f"  largest AUC of the others: {max(aucs.values()):.5f} ({max(aucs, key=aucs.get)})")


def at_purity(curves: list[tuple[str, list[str], object]], family: str, wanted: float) -> None:
    """Print the threshold from which all samples together have a purity, and what each has there."""
    thresholds = curves[0][1]
    together = rates(thresholds, *sum(c for _, _, c in curves))
    enough = [i for i, point in enumerate(together) if point[3] >= wanted]
    if not enough:
        return
    at = min(enough)
    print(f"{family}: together purity {wanted} for thresholds of at least {thresholds[at]}; there (efficiency, purity):")
    for sample, _, counts in curves:
        points = rates(thresholds, *counts)
        _, efficiency, _, purity = points[at]
        alone = [p for p in points if p[3] >= wanted]
        best_alone = f"; alone {alone[0][1]:.3f} at {alone[0][0]}" if alone else ""
        print(f"  {sample}: {efficiency:.3f}, {purity:.3f}{best_alone}")


def main() -> None:
    """Read and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--network", default="zoo.v1")
    parser.add_argument("--purity", type=float, default=0.9)
    a = parser.parse_args()
    scores = a.results / "measurements" / "scores"
    for family in reversed(FAMILIES):
        curves = []
        for path in sorted(scores.glob(f"*/{a.network}/{family}/*.tsv")):
            compare(scores, a.network, family, path.stem)
            rows = [r for r in of_planes(path) if r["metric"] in (SIGNAL, OTHER)]
            if rows:
                thresholds, counts = by_event(rows)
                curves.append((path.stem, thresholds, counts.sum(axis=0)))
        if curves:
            at_purity(curves, family, a.purity)


if __name__ == "__main__":
    main()
