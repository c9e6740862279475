"""Draw one figure of the evidence from averaged tables: PNG, SVG, and the rows that it shows as TSV."""

from __future__ import annotations

import argparse
from pathlib import Path

from protodune.publish.figures import evidence
from protodune.publish.figures import noise
from protodune.publish.figures.style import save_figure
from protodune.stages.command import run_stage, stage_parser
from protodune.core.tables import read_table, write_table

ANGLE_METRICS = {
    "angles": list(evidence.REGION_HEADS.items()),
    "angles_charge": [
        ("charge_bias", "charge bias"),
        ("charge_resolution", "charge resolution"),
        ("signal_bias", "amplitude bias"),
    ],
}
FIGURES = {
    "residuals": (evidence.draw_residuals, "Errors of samples"),
    "amplitude": (evidence.draw_amplitude, "Errors of signal samples by amplitude"),
    "charge": (evidence.draw_charge, "Charge of regions"),
    "ionisation": (evidence.draw_ionisation, "Charge by ionisation and angle"),
    "labels": (evidence.draw_labels, "Regions of interest by label"),
    "angles": (evidence.draw_angles, "Regions of interest on prolonged tracks"),
    "angles_charge": (evidence.draw_angles, "Charge of prolonged tracks"),
    "noise": (noise.draw_noise, "Noise before and after"),
    "boards": (noise.draw_boards, "Correlation of front-end boards, quiet samples"),
    "checks": (noise.draw_checks, "Checks without truth"),
    "crossings": (noise.draw_crossings, "Charge of one point in three planes"),
    "injection": (evidence.draw_charge, "Signals added to the recording"),
}


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("draw_evidence", __doc__)
    p.add_argument("figure", choices=list(FIGURES))
    p.add_argument("--tables", required=True, nargs="+", help="TSV of the stage 'average', or several of one kind")
    p.add_argument("--of", default="", help="what the table is about, for the title")
    p.add_argument("--methods", nargs="*", default=[], help="methods to show, in order; none: all")
    p.add_argument("--networks", nargs="*", default=[], help="methods that are networks")
    p.add_argument("--output", required=True, help="PNG to write; SVG and TSV beside it")
    return p


def run(figure: str, tables: list[str], of: str, methods: list[str], networks: list[str], output: str) -> None:
    """Draw one figure; a table without rows gives panels that say so."""
    columns = Path(tables[0]).read_text(encoding="utf-8").split("\n", 1)[0].split("\t")
    rows = [row for table in tables for row in read_table(table)]
    if methods:
        rows = sorted((r for r in rows if r["method"] in methods), key=lambda r: methods.index(r["method"]))
    draw, head = FIGURES[figure]
    options = (ANGLE_METRICS[figure],) if figure in ANGLE_METRICS else ()
    if options:
        rows = [r for r in rows if r["metric"] in dict(options[0])]
    write_table(Path(output).with_suffix(".tsv"), rows, columns)
    save_figure(draw(rows, set(networks), f"{head}{', ' if of else ''}{of}", *options), output)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("draw_evidence", lambda: run(a.figure, a.tables, a.of, a.methods, a.networks, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
