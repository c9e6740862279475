"""The headline table: what every method is worth, and what it costs."""

from __future__ import annotations

import argparse
import json
import logging
import math

import numpy as np
from safetensors import safe_open

from protodune.core.errors import ProtoduneError
from protodune.events.predictions import Predictions
from protodune.stages.command import run_stage, stage_parser
from protodune.core.tables import read_table, write_table
from protodune.publish.typeset import NOTHING, Block, cell, write_beside

log = logging.getLogger(__name__)
METRICS = {
    "mse": "MSE [ADC²]",
    "psnr": "PSNR [dB]",
    "ssim": "SSIM",
    "imae": "iMAE [ADC tick]",
    "charge_bias": "charge bias",
    "charge_resolution": "charge res.",
}
COLUMNS = ["plane", "method", *(f"{m}{part}" for m in [*METRICS, "auc"] for part in ("", "_error")), "parameters", "events"]
TIME_COLUMNS = ["plane", "method", "images", "seconds", "seconds_per_image", "job_seconds", "peak_mb"]
_NO_PARAMETERS = ("running_mean", "running_var", "num_batches_tracked")


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("headline", __doc__)
    p.add_argument("--table", required=True, help="TSV of the stage 'table'")
    p.add_argument("--areas", required=True, nargs="+", help="TSV files of the areas, of the stage 'roi_curves'")
    p.add_argument(
        "--runs", required=True, help="JSON: a list of {plane, method, benchmark, predictions}, the inference of each sample"
    )
    p.add_argument("--weights", default="[]", help="JSON: a list of {plane, method, weights} of the networks")
    p.add_argument("--output", required=True, help="TSV to write, with .md, .tex and .html beside it")
    p.add_argument("--timing", required=True, help="TSV of the times to write")
    return p


def count_parameters(weights: str) -> int:
    """Return the number of trained parameters in a file of weights; statistics of norms do not count."""
    with safe_open(weights, framework="numpy") as file:
        shapes = [file.get_slice(k).get_shape() for k in list(file.keys()) if not k.endswith(_NO_PARAMETERS)]
    return sum(math.prod(shape) for shape in shapes)


def timing(runs: list[dict]) -> list[dict]:
    """Add up what each method's inference took over its samples: seconds of the images themselves, reading and writing
    included, wall seconds of the whole jobs, start included, and the largest resident memory."""
    rows: dict[tuple, dict] = {}
    for run in runs:
        measured = read_table(run["benchmark"])[-1]
        with Predictions(run["predictions"]) as found:
            seconds = found.seconds
        key = (run["plane"], run["method"])
        row = rows.setdefault(key, dict(zip(TIME_COLUMNS, (*key, 0, 0.0, 0.0, 0.0, 0.0), strict=True)))
        row["images"] += len(seconds)
        row["seconds"] += float(np.nansum(seconds))
        row["job_seconds"] += float(measured["s"])
        memory = measured["max_rss"]  # "-" or NA where the job was too short to be looked at
        row["peak_mb"] = max(row["peak_mb"], float(memory) if memory.replace(".", "").isdigit() else 0.0)
    for row in rows.values():
        row["seconds_per_image"] = row["seconds"] / row["images"] if row["images"] else math.nan
    return list(rows.values())


def gather(table: list[dict], areas: list[dict], parameters: dict[tuple[str, str], int]) -> list[dict]:
    """Put metrics on all channels, areas and parameters together: a row a plane family and method."""
    values = {(r["plane"], r["method"], r["metric"]): r for r in table if r["region"] == "all"}
    auc = {(r["plane"], r["method"]): r for r in areas}
    rows = []
    for plane, method in dict.fromkeys((r["plane"], r["method"]) for r in table):
        row: dict = {"plane": plane, "method": method, "parameters": parameters.get((plane, method), 0), "events": 0}
        for metric in METRICS:
            found = values.get((plane, method, metric), {"mean": "nan", "error": "nan", "events": 0})
            row[metric], row[f"{metric}_error"] = float(found["mean"]), float(found["error"])
            row["events"] = max(row["events"], int(found["events"]))
        area = auc.get((plane, method), {"auc": "nan", "error": "nan", "events": 0})
        row["events"] = max(row["events"], int(area["events"]))
        row["auc"], row["auc_error"] = float(area["auc"]), float(area["error"])
        rows.append(row)
    return rows


def blocks(rows: list[dict], times: list[dict]) -> list[Block]:
    """Return the table for people, one block a plane family; columns that are empty there are left out."""
    seconds = {(t["plane"], t["method"]): t["seconds_per_image"] for t in times}
    heads, found = {**METRICS, "auc": "ROI AUC"}, []
    for plane in dict.fromkeys(r["plane"] for r in rows):
        part = [r for r in rows if r["plane"] == plane]
        shown = [m for m in heads if any(math.isfinite(r[m]) for r in part)]
        lines = [
            [
                r["method"],
                *(cell(r[m], r[f"{m}_error"]) for m in shown),
                cell(seconds.get((plane, r["method"]), math.nan)),
                f"{r['parameters']:,}" if r["parameters"] else NOTHING,
            ]
            for r in part
        ]
        heading = f"{plane} planes, {max(r['events'] for r in part)} event(s), all channels"
        found.append(Block(heading, ["method", *(heads[m] for m in shown), "s / APA", "parameters"], lines))
    return found


def run(table: str, areas: list[str], runs: list[dict], weights: list[dict], output: str, timing_path: str) -> None:
    """Write the table, and the times apart: they alone differ from run to run."""
    rows = read_table(table)
    if not rows:
        raise ProtoduneError(f"{table}: no rows, expected the scores of at least one method; add a test sample with truth")
    parameters = {(w["plane"], w["method"]): count_parameters(w["weights"]) for w in weights}
    gathered = gather(rows, [r for path in areas for r in read_table(path)], parameters)
    times = timing(runs)
    write_table(timing_path, times, TIME_COLUMNS)
    write_table(output, gathered, COLUMNS)
    write_beside(output, blocks(gathered, times), "Headline")
    log.info("%s: %d rows", output, len(gathered))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage(
        "headline", lambda: run(a.table, a.areas, json.loads(a.runs), json.loads(a.weights), a.output, a.timing)
    )


if __name__ == "__main__":
    raise SystemExit(main())
