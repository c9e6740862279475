"""The reproduction table: DUNEdn's own metrics, before and after its cut, and its confusion shares."""

from __future__ import annotations

import argparse
import logging

from protodune.stages.command import run_stage, stage_parser
from protodune.core.tables import read_table, write_table
from protodune.publish.typeset import NOTHING, Block, cell, write_beside

log = logging.getLogger(__name__)
COLUMNS = ["plane", "method", "cut_adc", "quantity", "value", "value_error", "events"]
BY_CUT = {
    "dunedn_ssim_by_cut": "statSSIM (DUNEdn)",
    "dunedn_psnr_by_cut": "PSNR, peak of the image (DUNEdn) [dB]",
    "dunedn_mse_by_cut": "MSE [ADC²]",
    "dunedn_imae_by_cut": "iMAE [ADC tick]",
    "psnr_by_cut": "PSNR, fixed peak [dB]",
    "absolute_area_mae_by_cut": "MAE of |area| [ADC tick]",
}
SHARES = {
    "true_positive_share": "true positive",
    "false_positive_share": "false positive",
    "false_negative_share": "false negative",
    "true_negative_share": "true negative",
    "roi_auc_by_waveform": "AUC",
}


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("reproduction", __doc__)
    p.add_argument("--tables", required=True, nargs="+", help="averaged measurements, TSV, one a plane family")
    p.add_argument("--output", required=True, help="TSV to write, with .md, .tex and .html beside it")
    return p


def _line(part: list[dict], names: dict[str, str]) -> list[str]:
    values = {r["quantity"]: r for r in part}
    return [cell(float(values[n]["value"]), float(values[n]["value_error"])) if n in values else NOTHING for n in names]


def blocks(rows: list[dict]) -> list[Block]:
    """Return two blocks a plane family: metrics by cut, shares of the label |truth| >= 3.5 ADC."""
    found = []
    for plane in dict.fromkeys(r["plane"] for r in rows):
        here = [r for r in rows if r["plane"] == plane]
        events = max(int(r["events"]) for r in here)
        lines = []
        for method, cut in dict.fromkeys((r["method"], r["cut_adc"]) for r in here if r["quantity"] in BY_CUT):
            part = [r for r in here if (r["method"], r["cut_adc"]) == (method, cut)]
            lines.append([method, cell(float(cut)), *_line(part, BY_CUT)])
        heading = f"{plane} planes, {events} event(s), DUNEdn's definitions beside ours"
        found.append(Block(heading, ["method", "cut [ADC]", *BY_CUT.values()], lines))
        selectors = dict.fromkeys(r["method"] for r in here if r["quantity"] in SHARES)
        lines = [[m, *_line([r for r in here if r["method"] == m], SHARES)] for m in selectors]
        if lines:
            heading = (
                f"{plane} planes, shares of all pixels for DUNEdn's label |truth| ≥ 3.5 ADC, at each method's threshold"
            )
            found.append(Block(heading, ["method", *SHARES.values()], lines))
    return found


def run(tables: list[str], output: str) -> None:
    """Write the table; DUNEdn's definitions are in this one only."""
    wanted = {**BY_CUT, **SHARES}
    rows = [{**r, "cut_adc": r["low"]} for path in tables for r in read_table(path) if r["quantity"] in wanted]
    write_table(output, rows, COLUMNS)
    write_beside(output, blocks(rows), "Reproduction of DUNEdn's metrics")
    log.info("%s: %d rows", output, len(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("reproduction", lambda: run(a.tables, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
