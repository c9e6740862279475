"""Write the page that shows the acceptance checks of the simulation."""

from __future__ import annotations

import argparse
from pathlib import Path

from protodune.core.files import require_file, write_text
from protodune.core.tables import read_table
from protodune.publish.simulation_page import simulation_page
from protodune.stages.command import run_stage, stage_parser


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("write_simulation_page", __doc__)
    p.add_argument("--checks", required=True, help="TSV of the checks, of the stage 'accept'")
    p.add_argument("--picture", required=True, help="PNG of the figure 'simulation'")
    p.add_argument("--output", required=True, help="HTML page to write, picture included")
    return p


def run(checks: str, picture: str, output: str) -> None:
    """Write the page."""
    require_file(picture, "the figure of the checks", "draw the figure 'simulation' first")
    write_text(output, simulation_page(read_table(checks), Path(picture).read_bytes()))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("write_simulation_page", lambda: run(a.checks, a.picture, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
