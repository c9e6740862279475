"""Gather scores into the table of the methods: means over events with their standard errors."""

from __future__ import annotations

import argparse
import logging

from protodune.core.errors import ProtoduneError
from protodune.measure.waveforms import average_rows
from protodune.stages.command import run_stage, stage_parser
from protodune.core.tables import read_table, write_table
from protodune.publish.typeset import NOTHING, Block, cell, write_beside

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
    p.add_argument("--output", required=True, help="table to write: .tsv, with .md, .tex and .html beside it")
    return p


def summarise(rows: list[dict[str, str]]) -> list[dict]:
    """Average the scores of each plane, region, method and metric over events, in the order of their first appearance."""
    table = average_rows(rows, ["plane", "region", "method", "metric"], ["value"])
    return [{**row, "mean": row["value"], "error": row["value_error"]} for row in table]


def blocks(table: list[dict]) -> list[Block]:
    """Return the table for people: one block a plane and region, one line a method, value ± error."""
    found = []
    for plane, region in dict.fromkeys((r["plane"], r["region"]) for r in table):
        part = [r for r in table if (r["plane"], r["region"]) == (plane, region)]
        metrics = list(dict.fromkeys(r["metric"] for r in part))
        events = max(r["events"] for r in part)
        heading = f"{plane}, {'drift-facing half' if region == 'drift' else 'all channels'}, {events} event(s)"
        lines = []
        for method in dict.fromkeys(r["method"] for r in part):
            values = {r["metric"]: r for r in part if r["method"] == method}
            cells = (cell(values[m]["mean"], values[m]["error"]) if m in values else NOTHING for m in metrics)
            lines.append([method, *cells])
        found.append(Block(heading, ["method", *(HEADS[m] for m in metrics)], lines))
    return found


def run(scores: list[str], output: str) -> None:
    """Write ``output`` and the same as Markdown, LaTeX and HTML beside it."""
    rows = [row for path in scores for row in read_table(path)]
    if not rows:
        raise ProtoduneError(f"{', '.join(scores)}: no scores, expected at least one image with truth; add a test sample")
    table = summarise(rows)
    write_table(output, table, COLUMNS)
    write_beside(output, blocks(table), "Methods")
    log.info("%s: %d rows", output, len(table))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("table", lambda: run(a.scores, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
