"""The headline table: what every method is worth, and what it costs."""

from __future__ import annotations

import argparse
import json
import logging

from protodune.core.errors import ProtoduneError
from protodune.core.tables import write_table
from protodune.measure.headline import TIME_COLUMNS, columns, count_parameters, gather, headline_metrics, timing
from protodune.measure.rows import read_rows
from protodune.publish.tables import headline_blocks
from protodune.publish.typeset import write_beside
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("headline", __doc__)
    p.add_argument("--table", required=True, help="TSV of the stage 'table'")
    p.add_argument("--areas", nargs="*", default=[], help="TSV files of the areas, of the stage 'curves'")
    p.add_argument(
        "--runs", default="[]", help="JSON: a list of {step, family, method, benchmark, products}, one per inference job"
    )
    p.add_argument("--weights", default="[]", help="JSON: a list of {step, family, method, weights} of the networks")
    p.add_argument("--output", required=True, help="TSV to write, with .md, .tex and .html beside it")
    p.add_argument("--timing", required=True, help="TSV of the times to write")
    return p


def run(table: str, areas: list[str], runs: list[dict], weights: list[dict], output: str, timing_path: str) -> None:
    """Write the table, and the times apart: they alone differ from run to run."""
    _, rows = read_rows([table])
    if not rows:
        raise ProtoduneError(f"{table}: no rows, expected the scores of at least one method; add a test sample with truth")
    parameters = {(w["step"], w["family"], w["method"]): count_parameters(w["weights"]) for w in weights}
    metrics = headline_metrics(rows)
    gathered = gather(rows, read_rows(areas)[1], parameters)
    times = timing(runs)
    write_table(timing_path, times, list(TIME_COLUMNS))
    write_table(output, gathered, columns(metrics))
    write_beside(output, headline_blocks(gathered, metrics, times), "Headline")
    log.info("%s: %d rows", output, len(gathered))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    runs, weights = json.loads(a.runs), json.loads(a.weights)
    return run_stage("headline", lambda: run(a.table, a.areas, runs, weights, a.output, a.timing))


if __name__ == "__main__":
    raise SystemExit(main())
