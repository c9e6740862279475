"""Charge and regions beside the Wire-Cell Toolkit, as one table.

    python benchmarks/wirecell.py RESULTS [--wirecell METHOD]

RESULTS: results of `snakemake validate --configfile config/zoo_test.yaml`.  Means over the images of each sample: bias and
resolution of the charge of true regions in electrons, efficiency and purity of regions in pixels of ten ticks, and the pull
of the charge, which is 1 where its errors are right.  A second table has the charge by angle, of the samples ``scan_*``.
``--wirecell``: the method of these results that takes its products from Wire-Cell's frame files (docs/wirecell.md).
Without it Wire-Cell's numbers are those recorded for the same samples: its noise filter and OmnibusSigProc, ProtoDUNE-SP
configuration, frames ``gauss``; zoo_cosmic alone.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from protodune.core.errors import ProtoduneError
from protodune.core.tables import read_table

METRICS = ("electron_bias", "electron_resolution", "pixel_efficiency", "pixel_purity", "electron_pull")
BY_ANGLE = ("electron_bias_by_angle", "electron_resolution_by_angle")
WIRECELL_VERSION = "0.35.0-1069-g2ddac97f"
RECORDED = {
    ("cosmics", "U"): (-0.018, 0.146, 0.97, 0.58),
    ("cosmics", "V"): (-0.008, 0.138, 0.97, 0.57),
    ("cosmics", "X"): (0.010, 0.039, 0.97, 0.77),
    ("U 75 deg", "U"): (-0.07, math.nan, 1.00, 0.54),
    ("U 80 deg", "U"): (-0.14, math.nan, 0.97, 0.57),
    ("U 85 deg", "U"): (-0.73, math.nan, 0.49, 0.64),
    ("V 75 deg", "V"): (-0.08, math.nan, 1.00, 0.51),
    ("V 80 deg", "V"): (-0.15, math.nan, 0.92, 0.59),
    ("V 85 deg", "V"): (-1.00, math.nan, 0.31, 0.62),
}
"""Wire-Cell's ``gauss`` on these samples: ``METRICS`` but the pull, which it has none of; nan was not recorded."""


def kind_of(sample: str) -> str:
    """Cosmics, or the plane and the angle that a sample of prolonged tracks is for; of many angles, the plane."""
    if sample.startswith("scan_"):
        return f"{sample[5].upper()} by angle"
    if not sample.startswith("angle_"):
        return "cosmics"
    return f"{sample[6].upper()} {sample[7:]} deg"


def read_scores(results: Path) -> dict[tuple[str, str, str], dict[str, list[float]]]:
    """Return the values of every image by kind of sample, plane and method, by metric."""
    found: dict = defaultdict(lambda: defaultdict(list))
    for kind, method, row in _rows(results, "scores"):
        if row["metric"] in METRICS and "by angle" not in kind:
            found[kind, row["plane"], method][row["metric"]].append(float(row["value"]))
    if not found:
        raise ProtoduneError(
            f"{results}: has no measurements/scores, expected results of `snakemake validate`; run it first"
        )
    return found


def read_angles(results: Path) -> dict[tuple[str, str], dict[tuple[str, str], dict[str, list[float]]]]:
    """Return the values of every image of the samples of many angles: by plane and method, range of angles, metric."""
    found: dict = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for kind, method, row in _rows(results, "details"):
        if row["metric"] in BY_ANGLE and "by angle" in kind:
            found[row["plane"], method][row["low"], row["high"]][row["metric"]].append(float(row["value"]))
    return found


def _rows(results: Path, level: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield kind of sample, method and row of each measurement on the plane that a sample is for, all channels."""
    for path in sorted((results / "measurements" / level).glob("*/*/*/*.tsv")):
        kind, method = kind_of(path.stem), path.parts[-3]
        for row in read_table(path):
            own = kind == "cosmics" or kind.startswith(row["plane"])
            if own and row["channels"] == "all" and row["value"] != "nan":
                yield kind, method, row


def lines(scores: dict, wirecell: str | None) -> list[str]:
    """Return the lines of the table, Markdown; Wire-Cell's own are first in each group."""
    text = ["| sample | plane | method | images | charge bias | resolution | efficiency | purity | pull |",
            "|---|---|---|---:|---:|---:|---:|---:|---:|"]  # fmt: skip
    groups = dict.fromkeys([*RECORDED, *((kind, plane) for kind, plane, _ in scores)])
    for kind, plane in groups:
        methods = [m for k, p, m in scores if (k, p) == (kind, plane)]
        if not methods:
            continue
        if wirecell is None and (kind, plane) in RECORDED:
            values = dict(zip(METRICS, (*RECORDED[kind, plane], math.nan), strict=True))
            text.append(_line(kind, plane, f"Wire-Cell {WIRECELL_VERSION} (recorded)", "", values))
        for method in sorted(methods, key=lambda m: (m != wirecell, m)):
            values = {m: sum(v) / len(v) for m, v in scores[kind, plane, method].items()}
            if "electron_bias" in values:
                count = str(len(scores[kind, plane, method]["electron_bias"]))
                text.append(_line(kind, plane, method, count, values))
    return text


def lines_by_angle(angles: dict) -> list[str]:
    """Return the lines of the table of charge by angle, Markdown: bias / resolution."""
    bins = sorted({b for found in angles.values() for b in found}, key=lambda b: float(b[0]))
    heads = [f"{float(low):g}–{float(high):g}°" for low, high in bins]
    text = ["| plane | method | " + " | ".join(heads) + " |", "|---|---|" + "---:|" * len(bins)]
    for (plane, method), found in sorted(angles.items()):
        cells = [
            " / ".join(f"{100 * sum(v) / len(v):+.1f}" if "bias" in m else f"{100 * sum(v) / len(v):.0f} %"
                       for m in BY_ANGLE if (v := found[b][m]))
            for b in bins
        ]  # fmt: skip
        text.append(f"| {plane} | {method} | " + " | ".join(cells) + " |")
    return text


def _line(kind: str, plane: str, method: str, count: str, values: dict[str, float]) -> str:
    cells = []
    for metric in METRICS:
        value = values.get(metric, math.nan)
        if math.isnan(value):
            cells.append("")
        else:
            cells.append(
                f"{100 * value:+.1f} %"
                if "bias" in metric
                else f"{100 * value:.1f} %"
                if "res" in metric
                else f"{value:.3f}"
            )
    return f"| {kind} | {plane} | {method} | {count} | " + " | ".join(cells) + " |"


def main(argv: list[str] | None = None) -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--wirecell", help="method that takes its products from frame files of Wire-Cell")
    a = parser.parse_args(argv)
    try:
        scores = read_scores(a.results)
        if a.wirecell and not any(method == a.wirecell for _, _, method in scores):
            known = ", ".join(sorted({m for _, _, m in scores}))
            raise ProtoduneError(f"{a.results}: has no method '{a.wirecell}', expected one of {known}")
        print("\n".join(lines(scores, a.wirecell)))
        if angles := read_angles(a.results):
            print("\n".join(["", *lines_by_angle(angles)]))
    except ProtoduneError as error:
        print(f"wirecell: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
