"""Draw one figure from tables: SVG and PNG, with the numbers behind it as TSV."""

from __future__ import annotations

import argparse
from pathlib import Path

from protodune.core.errors import ProtoduneError
from protodune.publish.figures.curves import draw_training
from protodune.publish.figures.metrics import draw_metrics
from protodune.publish.figures.scaling import draw_scaling
from protodune.publish.figures.scan import draw_scan
from protodune.publish.figures.speed import draw_speed
from protodune.publish.figures.style import save_figure
from protodune.detector.geometry import PLANE_FAMILIES
from protodune.measure.scaling import dunedn_points
from protodune.stages.command import run_stage, stage_parser
from protodune.core.tables import read_table, write_table


def parser() -> argparse.ArgumentParser:
    """Command line of the stage: one sub-command a figure."""
    p = stage_parser("draw", __doc__)
    kinds = p.add_subparsers(dest="figure", required=True)
    q = kinds.add_parser("training")
    q.add_argument("--plane", required=True, choices=sorted(PLANE_FAMILIES))
    q.add_argument("--histories", required=True, nargs="+", help="history.tsv files")
    q.add_argument("--names", required=True, nargs="+", help="a name for each history")
    q = kinds.add_parser("metrics")
    q.add_argument("--table", required=True)
    q.add_argument("--networks", nargs="*", default=[])
    q = kinds.add_parser("scaling")
    q.add_argument("--tables", required=True, nargs="*", help="TSV files of the stage 'measure_scaling'")
    q = kinds.add_parser("speed")
    q.add_argument("--tables", required=True, nargs="*", help="TSV files of the stage 'measure_speed'")
    q = kinds.add_parser("scan")
    q.add_argument("--trials", required=True, nargs="+", help="TSV files of the stage 'scan_trial'")
    q.add_argument("--table", required=True, help="TSV of all trials to write")
    for q in kinds.choices.values():
        q.add_argument("--output", required=True, help="PNG to write; SVG and TSV beside it")
    return p


def training(a: argparse.Namespace) -> None:
    """Draw the histories of all networks of a plane family."""
    histories = {name: read_table(path) for name, path in zip(a.names, a.histories, strict=True)}
    columns = ["network", "epoch", "learning_rate", "train_mse", "val_mse", "train_roi", "val_roi"]
    rows = [{"network": name, **row} for name, part in histories.items() for row in part]
    write_table(Path(a.output).with_suffix(".tsv"), rows, columns)
    save_figure(draw_training(histories, f"Training on {a.plane} planes"), a.output)


def metrics(a: argparse.Namespace) -> None:
    """Draw the table of methods."""
    rows = read_table(a.table)
    chosen = [r for r in rows if r["metric"] == "mse" and r["region"] == "all"]
    write_table(Path(a.output).with_suffix(".tsv"), chosen, list(rows[0]))
    save_figure(draw_metrics(rows, set(a.networks), "Denoising error of all methods"), a.output)


def scaling(a: argparse.Namespace) -> None:
    """Draw the scaling study beside what the reference recorded."""
    rows = [row for path in a.tables for row in read_table(path)]
    if not rows:
        raise ProtoduneError("scaling: no training to show; name trained networks as model.trial in scaling.networks")
    recorded = dunedn_points()
    target = Path(a.output).with_suffix(".tsv")
    others = [{**dict.fromkeys(rows[0], ""), **p, "network": f"DUNEdn {p['network']}", "kind": "recorded"} for p in recorded]
    write_table(target, [{"nodes": "", **row} for row in [*rows, *others]], [*rows[0], "nodes"])
    save_figure(draw_scaling(rows, recorded, "Scaling of a training step"), a.output)


def speed(a: argparse.Namespace) -> None:
    """Draw how fast networks clean planes."""
    rows = [row for path in a.tables for row in read_table(path)]
    if not rows:
        raise ProtoduneError("speed: no network to show; name networks as model.trial in speed.networks")
    write_table(Path(a.output).with_suffix(".tsv"), rows, list(rows[0]))
    save_figure(draw_speed(rows, "Speed of inference"), a.output)


def scan(a: argparse.Namespace) -> None:
    """Put the trials of a search into one table, the best first, and draw them."""
    rows = sorted((row for path in a.trials for row in read_table(path)), key=lambda r: float(r["val_loss"]))
    write_table(a.table, rows, list(rows[0]))
    ended = sum(r["state"] == "pruned" for r in rows)
    save_figure(draw_scan(rows, f"{len(rows)} trials, {ended} of them ended early"), a.output)


FIGURES = {"training": training, "metrics": metrics, "scaling": scaling, "speed": speed, "scan": scan}


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("draw", lambda: FIGURES[a.figure](a))


if __name__ == "__main__":
    raise SystemExit(main())
