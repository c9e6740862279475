"""What a network is worth beside the classical methods, sample by sample, from the scores of a finished run.

    python benchmarks/quality.py RESULTS [--network zoo.v1] [--purity 0.9]

For each sample and plane family (for prolonged tracks: the plane that their angle is for): squared error and its ratio to
the best classical method, charge, amplitude, area under the ROC curve, and pixel efficiency and purity of regions at the
run's threshold; last the threshold at which all samples that are asked for together have the given purity, and what each has
there.  A threshold for use must be chosen on validation samples, not on those it is quoted for.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from protodune.measure.waveforms import mean_over_events
from protodune.stages.measure.roi_curves import by_event, rates
from protodune.core.tables import read_table

PLANES = ("collection", "induction")
SHOWN = ("mse", "signal_bias", "charge_bias", "charge_resolution", "roi_auc", "pixel_efficiency", "pixel_purity",
         "roi_efficiency", "roi_purity")  # fmt: skip


def views_of(sample: str, plane: str) -> tuple[str, ...]:
    """The planes that count: of ``angle_u80`` only U."""
    return (sample[6].upper(),) if sample.startswith("angle_") else (("X",) if plane == "collection" else ("U", "V"))


def means(path: Path, views: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """Mean and error over events of every metric, all channels."""
    rows = [r for r in read_table(path) if r["region"] == "all" and r["view"] in views]
    found = {}
    for metric in SHOWN:
        part = [r for r in rows if r["metric"] == metric]
        if part:
            keys = [(r["run"], r["subrun"], r["event"]) for r in part]
            found[metric] = mean_over_events([float(r["value"]) for r in part], keys)[:2]
    return found


def main() -> None:
    """Read and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--network", default="zoo.v1")
    parser.add_argument("--purity", type=float, default=0.9)
    a = parser.parse_args()
    for plane in PLANES:
        own = sorted((a.results / "scores").glob(f"*/{a.network}/{plane}/*.tsv"))
        curves = []
        for path in own:
            sample, views = path.stem, views_of(path.stem, plane)
            others = {p.parts[-3]: means(p, views) for p in (a.results / "scores").glob(f"*/*/{plane}/{sample}.tsv")}
            mine = others.pop(a.network)
            if not mine:
                continue
            classical = {m: v for m, v in others.items() if "mse" in v}
            best = min(classical, key=lambda m: classical[m]["mse"][0], default=None)
            print(f"{plane}, {sample}:")
            for name, values in (
                (a.network, mine),
                *((n, v) for n, v in others.items() if n in (best, "deconvolution_roi")),
            ):
                text = ", ".join(f"{k} {m:.4g}" + (f" ± {e:.1g}" if e == e else "") for k, (m, e) in values.items())
                print(f"  {name}: {text}")
            if best and "mse" in mine:
                print(f"  MSE ratio to {best}: {mine['mse'][0] / classical[best]['mse'][0]:.3f}")
            aucs = {n: v["roi_auc"][0] for n, v in others.items() if "roi_auc" in v}
            if aucs:
                print(f"  largest AUC of the others: {max(aucs.values()):.5f} ({max(aucs, key=aucs.get)})")
            rows = [
                r for r in read_table(a.results / "curves" / path.relative_to(a.results / "scores")) if r["view"] in views
            ]
            if rows:
                thresholds, counts = by_event(rows)
                curves.append((sample, thresholds, counts.sum(axis=0)))
        if curves:
            thresholds = curves[0][1]
            together = rates(thresholds, *sum(c for _, _, c in curves))
            enough = [i for i, point in enumerate(together) if point[3] >= a.purity]
            if enough:
                at = min(enough)
                print(f"{plane}: together purity {a.purity} from threshold {thresholds[at]} on; there (efficiency, purity):")
                for sample, _, counts in curves:
                    _, efficiency, _, purity = rates(thresholds, *counts)[at]
                    alone = [p for p in rates(thresholds, *counts) if p[3] >= a.purity]
                    best_alone = f"; alone {alone[0][1]:.3f} at {alone[0][0]}" if alone else ""
                    print(f"  {sample}: {efficiency:.3f}, {purity:.3f}{best_alone}")


if __name__ == "__main__":
    main()
