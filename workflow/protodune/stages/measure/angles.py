"""Gather the scores of samples of prolonged tracks by the angle of their tracks."""

from __future__ import annotations

import argparse
import json
import logging

from protodune.measure.waveforms import average_rows
from protodune.stages.command import run_stage, stage_parser
from protodune.core.tables import read_table, write_table

log = logging.getLogger(__name__)
COLUMNS = ["view", "theta_deg", "method", "metric", "value", "value_error", "events"]


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("angles", __doc__)
    p.add_argument("--scores", required=True, nargs="+", help="TSV files of the stage 'score'")
    p.add_argument("--angles", required=True, help='JSON: {sample: [plane, theta_xz in degrees]}, "U", "V" or "X"')
    p.add_argument("--output", required=True, help="TSV to write")
    return p


def run(scores: list[str], angles: dict[str, tuple[str, float]], output: str) -> None:
    """Write means over events of every metric by plane, angle and method: scores on all channels of that plane only."""
    rows = []
    for path in scores:
        for row in read_table(path):
            view, theta = angles[row["sample"]]
            if row["view"] == view and row["region"] == "all":
                rows.append({**row, "theta_deg": theta})
    rows.sort(key=lambda r: (r["view"], r["theta_deg"]))
    table = average_rows(rows, ["view", "theta_deg", "method", "metric"], ["value"])
    write_table(output, table, COLUMNS)
    log.info("%s: %d rows", output, len(table))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("angles", lambda: run(a.scores, json.loads(a.angles), a.output))


if __name__ == "__main__":
    raise SystemExit(main())
