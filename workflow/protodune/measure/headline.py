"""The headline: what every method is worth, and what it costs."""

from __future__ import annotations

import math

import numpy as np
from safetensors import SafetensorError, safe_open

from protodune.core.errors import ProtoduneError
from protodune.core.tables import read_table
from protodune.events.products import Products
from protodune.measure.curves import AREA
from protodune.measure.spec import Metric, metrics_of

METHOD_COLUMNS = ("detector", "task", "step", "family", "method")
TIME_COLUMNS = ("step", "family", "method", "images", "seconds", "seconds_per_image", "job_seconds", "peak_mb")
_NO_PARAMETERS = ("running_mean", "running_var", "num_batches_tracked")


def headline_metrics(table: list[dict[str, str]]) -> list[Metric]:
    """Return the metrics that the headline shows of the tasks of a table, in the order of their definitions, the area under
    the curves last."""
    tasks, there = dict.fromkeys(r["task"] for r in table), {r["metric"] for r in table}
    return [*(m for m in metrics_of(tasks).values() if m.headline and m.name in there), AREA]


def columns(metrics: list[Metric]) -> list[str]:
    """Return the columns of the headline."""
    return [*METHOD_COLUMNS, *(f"{m.name}{part}" for m in metrics for part in ("", "_error")), "parameters", "events"]


def count_parameters(weights: str) -> int:
    """Return the number of trained parameters in a file of weights; statistics of norms do not count."""
    try:
        with safe_open(weights, framework="numpy") as file:
            shapes = [file.get_slice(k).get_shape() for k in list(file.keys()) if not k.endswith(_NO_PARAMETERS)]
    except (SafetensorError, OSError):
        raise ProtoduneError(
            f"{weights}: not a safetensors file, expected protodune weights; train the model again"
        ) from None
    return sum(math.prod(shape) for shape in shapes)


def timing(runs: list[dict[str, str]]) -> list[dict]:
    """Add up what the inference of each method took over its samples (``TIME_COLUMNS``).

    ``runs``: step, family, method, benchmark (a TSV of Snakemake) and products of each job.  Seconds are those of the images
    themselves, reading and writing included; job seconds those of the whole jobs, start included; memory the largest
    resident.
    """
    rows: dict[tuple, dict] = {}
    for run in runs:
        measured = read_table(run["benchmark"])[-1]
        with Products(run["products"]) as found:
            seconds = found.seconds
        key = (run["step"], run["family"], run["method"])
        row = rows.setdefault(key, dict(zip(TIME_COLUMNS, (*key, 0, 0.0, 0.0, 0.0, 0.0), strict=True)))
        row["images"] += len(seconds)
        row["seconds"] += float(np.nansum(seconds))
        row["job_seconds"] += float(measured["s"])
        memory = measured["max_rss"]  # "-" or NA where the job was too short to be looked at
        row["peak_mb"] = max(row["peak_mb"], float(memory) if memory.replace(".", "").isdigit() else 0.0)
    for row in rows.values():
        row["seconds_per_image"] = row["seconds"] / row["images"] if row["images"] else math.nan
    return list(rows.values())


def gather(
    table: list[dict[str, str]], areas: list[dict[str, str]], parameters: dict[tuple[str, str, str], int]
) -> list[dict]:
    """Put metrics on all channels, areas and parameters together, one row per step, family and method.

    ``table``: of ``measure.table``; ``areas``: of ``measure.curves``; ``parameters`` by step, family and method.
    """
    metrics = [m for m in headline_metrics(table) if m is not AREA]
    key_of = lambda r: tuple(r[c] for c in METHOD_COLUMNS)  # noqa: E731
    values = {(key_of(r), r["metric"]): r for r in table if r["channels"] == "all"}
    auc = {key_of(r): r for r in areas}
    nothing = {"value": "nan", "auc": "nan", "error": "nan", "events": 0}
    rows = []
    for key in dict.fromkeys(map(key_of, table)):
        row: dict = {**dict(zip(METHOD_COLUMNS, key, strict=True)), "parameters": parameters.get(key[2:], 0), "events": 0}
        for metric in metrics:
            found = values.get((key, metric.name), nothing)
            row[metric.name], row[f"{metric.name}_error"] = float(found["value"]), float(found["error"])
            row["events"] = max(row["events"], int(found["events"]))
        area = auc.get(key, nothing)
        row["events"] = max(row["events"], int(area["events"]))
        row[AREA.name], row[f"{AREA.name}_error"] = float(area["auc"]), float(area["error"])
        rows.append(row)
    return rows
