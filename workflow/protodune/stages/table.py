"""Gather scores into the table of the methods: means over events with their standard errors."""

from __future__ import annotations

import argparse
import logging
import math
from collections.abc import Iterator
from pathlib import Path

from protodune.errors import ProtoduneError
from protodune.files import write_text
from protodune.metrics import mean_over_events
from protodune.stages.command import run_stage, stage_parser
from protodune.tables import read_table, write_table

log = logging.getLogger(__name__)
COLUMNS = ["plane", "region", "method", "metric", "mean", "error", "events"]
HEADS = {
    "mse": "MSE [ADC²]",
    "psnr": "PSNR [dB]",
    "ssim": "SSIM",
    "imae": "iMAE [ADC tick]",
    "signal_bias": "signal bias",
    "charge_bias": "charge bias",
    "charge_resolution": "charge res.",
    "pixel_efficiency": "ROI pixel eff.",
    "pixel_purity": "ROI pixel pur.",
    "roi_efficiency": "ROI eff.",
    "roi_purity": "ROI pur.",
    "roi_auc": "ROI AUC",
}


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("table", __doc__)
    p.add_argument("--scores", required=True, nargs="+", help="TSV files of the stage 'score'")
    p.add_argument("--output", required=True, help="table to write: .tsv, with .md and .html beside it")
    return p


def summarise(rows: list[dict[str, str]]) -> list[dict]:
    """Average the scores of each plane, region, method and metric over events, in the order of their first appearance."""
    groups: dict[tuple, list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault((row["plane"], row["region"], row["method"], row["metric"]), []).append(row)
    table = []
    for key, group in groups.items():
        events = [(r["sample"], r["run"], r["subrun"], r["event"]) for r in group]
        mean, error, n = mean_over_events([float(r["value"]) for r in group], events)
        table.append(dict(zip(COLUMNS, (*key, mean, error, n), strict=True)))
    return table


def blocks(table: list[dict]) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Yield the table for people: a heading, column heads and lines (method, value ± error, ...) a plane and region."""
    for plane, region in dict.fromkeys((r["plane"], r["region"]) for r in table):
        part = [r for r in table if (r["plane"], r["region"]) == (plane, region)]
        metrics = list(dict.fromkeys(r["metric"] for r in part))
        events = max(r["events"] for r in part)
        heading = f"{plane}, {'drift-facing half' if region == 'drift' else 'all channels'}, {events} event(s)"
        lines = []
        for method in dict.fromkeys(r["method"] for r in part):
            values = {r["metric"]: r for r in part if r["method"] == method}
            lines.append([method, *(_cell(values[m]) if m in values else "–" for m in metrics)])
        yield heading, ["method", *(HEADS[m] for m in metrics)], lines


def markdown(table: list[dict]) -> str:
    """Write the table as Markdown."""
    text = []
    for heading, heads, lines in blocks(table):
        text += [f"### {heading}", "", "| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
        text += ["| " + " | ".join(line) + " |" for line in lines] + [""]
    return "\n".join(text)


def html(table: list[dict]) -> str:
    """Write the table as a small HTML page for the report."""
    text = ["<!doctype html><meta charset='utf-8'><title>Methods</title>"]
    text.append(
        "<style>body{font-family:sans-serif}td,th{padding:.2em .8em;text-align:right}td:first-child{text-align:left}"
    )
    text.append("table{border-collapse:collapse}tr{border-bottom:1px solid #ccc}</style>")
    for heading, heads, lines in blocks(table):
        text.append(f"<h3>{heading}</h3><table><tr>" + "".join(f"<th>{h}</th>" for h in heads) + "</tr>")
        text += ["<tr>" + "".join(f"<td>{cell}</td>" for cell in line) + "</tr>" for line in lines]
        text.append("</table>")
    return "\n".join(text) + "\n"


def _cell(row: dict) -> str:
    if not math.isfinite(row["mean"]):
        return "–"
    error = f" ± {row['error']:.2g}" if math.isfinite(row["error"]) else ""
    return f"{row['mean']:.4g}{error}"


def run(scores: list[str], output: str) -> None:
    """Write ``output`` and the same as Markdown and HTML beside it."""
    rows = [row for path in scores for row in read_table(path)]
    if not rows:
        raise ProtoduneError(f"{', '.join(scores)}: no scores, expected at least one image with truth; add a test sample")
    table = summarise(rows)
    write_table(output, table, COLUMNS)
    write_text(Path(output).with_suffix(".md"), markdown(table))
    write_text(Path(output).with_suffix(".html"), html(table))
    log.info("%s: %d rows", output, len(table))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("table", lambda: run(a.scores, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
