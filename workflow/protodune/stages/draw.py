"""Draw one figure: SVG and PNG, with the numbers behind it as TSV."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np

from protodune.errors import ProtoduneError
from protodune.figures.curves import draw_training
from protodune.figures.display import draw_display
from protodune.figures.metrics import draw_metrics
from protodune.figures.scaling import draw_scaling
from protodune.figures.scan import draw_scan
from protodune.figures.style import save_figure
from protodune.figures.waveforms import draw_waveforms
from protodune.geometry import PLANE_FAMILIES, drift_facing_rows
from protodune.predictions import Predictions
from protodune.scaling import dunedn_points
from protodune.stages.command import run_stage, stage_parser
from protodune.store import EventStore
from protodune.tables import read_table, write_table

log = logging.getLogger(__name__)
DISPLAY_TICKS = 1600
WAVEFORM_TICKS = 300


def parser() -> argparse.ArgumentParser:
    """Command line of the stage: one sub-command a figure."""
    p = stage_parser("draw", __doc__)
    kinds = p.add_subparsers(dest="figure", required=True)
    for name in ("display", "waveforms"):
        q = kinds.add_parser(name)
        q.add_argument("--plane", required=True, choices=sorted(PLANE_FAMILIES))
        q.add_argument("--sample", required=True)
        q.add_argument("--events", required=True)
        q.add_argument("--network", required=True, help="prediction file of a network")
        q.add_argument("--classical", required=True, help="prediction file of a classical method")
        q.add_argument("--names", required=True, nargs=2, metavar=("NETWORK", "CLASSICAL"))
    q = kinds.add_parser("training")
    q.add_argument("--plane", required=True, choices=sorted(PLANE_FAMILIES))
    q.add_argument("--histories", required=True, nargs="+", help="history.tsv files")
    q.add_argument("--names", required=True, nargs="+", help="a name for each history")
    q = kinds.add_parser("metrics")
    q.add_argument("--table", required=True)
    q.add_argument("--networks", nargs="*", default=[])
    q = kinds.add_parser("scaling")
    q.add_argument("--tables", required=True, nargs="*", help="TSV files of the stage 'measure_scaling'")
    q = kinds.add_parser("scan")
    q.add_argument("--trials", required=True, nargs="+", help="TSV files of the stage 'scan_trial'")
    q.add_argument("--table", required=True, help="TSV of all trials to write")
    for q in kinds.choices.values():
        q.add_argument("--output", required=True, help="PNG to write; SVG and TSV beside it")
    return p


def display(a: argparse.Namespace) -> None:
    """Draw the busiest window of the sample's first image: the family's last view, the rows that face the drift."""
    view = PLANE_FAMILIES[a.plane][-1]
    with EventStore(a.events) as store, Predictions(a.network) as network:
        network.check_matches(store)
        rows = drift_facing_rows(view, int(store.apa[0]))
        denoised, raw = network.denoised(view, 0)[rows], store.waveforms(view, 0)[rows]
        ticks = busiest_window(denoised, DISPLAY_TICKS)
        panels = {"raw": raw, f"denoised ({a.names[0]})": denoised}
        if store.has_clean:
            clean = store.clean(view, 0)[rows]
            panels |= {"truth": clean, "denoised - truth": denoised - clean}
        else:
            panels |= {"raw - denoised": raw - denoised}
        panels = {name: panel[:, ticks] for name, panel in panels.items()}
        first_channel = int(store.channel(view, 0)[rows][0])
        title = _title(a, store, view)
    save_figure(draw_display(panels, a.plane, (ticks.start, first_channel), title), a.output)
    table = [
        {"panel": name, "mean": float(p.mean()), "rms": float(p.std()), "min": float(p.min()), "max": float(p.max())}
        for name, p in panels.items()
    ]
    write_table(Path(a.output).with_suffix(".tsv"), table, ["panel", "mean", "rms", "min", "max"])


def busiest_window(image: np.ndarray, ticks: int) -> slice:
    """Return the window of at most ``ticks`` ticks in which the most pixels exceed 10 ADC."""
    hits = np.concatenate([[0], np.cumsum((np.abs(image) > 10).sum(axis=0))])
    ticks = min(ticks, image.shape[1])
    start = int(np.argmax(hits[ticks:] - hits[:-ticks]))
    return slice(start, start + ticks)


def _title(a: argparse.Namespace, store: EventStore, view: str) -> str:
    run, subrun, event = store.event_id(0)
    return f"{a.sample}: run {run} subrun {subrun} event {event}, APA {store.apa[0]}, plane {view}"


def waveforms(a: argparse.Namespace) -> None:
    """Pick three channels of the first image by their truth and write their waveforms, then draw them."""
    view = PLANE_FAMILIES[a.plane][-1]
    with EventStore(a.events) as store, Predictions(a.network) as network, Predictions(a.classical) as classical:
        network.check_matches(store)
        classical.check_matches(store)
        truth = store.clean(view, 0)
        sources = {
            "raw": store.waveforms(view, 0),
            "classical": classical.denoised(view, 0),
            "network": network.denoised(view, 0),
            "truth": truth,
        }
        channels, title = store.channel(view, 0), _title(a, store, view)
    table = []
    for case, row, centre in interesting_channels(truth):
        start = int(np.clip(centre - WAVEFORM_TICKS // 2, 0, max(0, truth.shape[1] - WAVEFORM_TICKS)))
        for tick in range(start, min(start + WAVEFORM_TICKS, truth.shape[1])):
            values = {name: float(source[row, tick]) for name, source in sources.items()}
            table.append({"channel": int(channels[row]), "case": case, "tick": tick, **values})
    target = Path(a.output).with_suffix(".tsv")
    write_table(target, table, ["channel", "case", "tick", *sources])
    labels = {"network": a.names[0], "classical": a.names[1]}
    save_figure(draw_waveforms(read_table(target), labels, title), a.output)


def interesting_channels(truth: np.ndarray) -> list[tuple[str, int, int]]:
    """Return (case, row, tick) of three channels: the highest pulse, the most prolonged signal, a typical small pulse."""
    size = np.abs(truth)
    peak = size.max(axis=1)
    if peak.max() == 0:
        raise ProtoduneError("the first image holds no signal; choose a test sample with tracks")
    long = (size > 3.5).sum(axis=1)
    with_signal = np.flatnonzero(peak > 3.5)
    small = with_signal[np.argsort(peak[with_signal])[len(with_signal) // 5]] if len(with_signal) else int(np.argmax(peak))
    prolonged = int(np.argmax(long))
    middle = int(np.median(np.flatnonzero(size[prolonged] > 3.5))) if long.max() else int(np.argmax(size[prolonged]))
    highest = int(np.argmax(peak))
    return [
        ("highest pulse", highest, int(np.argmax(size[highest]))),
        ("longest signal", prolonged, middle),
        ("small pulse", int(small), int(np.argmax(size[small]))),
    ]


def training(a: argparse.Namespace) -> None:
    """Draw the histories of all networks of a plane family."""
    histories = {name: read_table(path) for name, path in zip(a.names, a.histories, strict=True)}
    columns = ["network", "epoch", "learning_rate", "train_mse", "val_mse"]
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


def scan(a: argparse.Namespace) -> None:
    """Put the trials of a search into one table, the best first, and draw them."""
    rows = sorted((row for path in a.trials for row in read_table(path)), key=lambda r: float(r["val_loss"]))
    write_table(a.table, rows, list(rows[0]))
    ended = sum(r["state"] == "pruned" for r in rows)
    save_figure(draw_scan(rows, f"{len(rows)} trials, {ended} of them ended early"), a.output)


FIGURES = {
    "display": display, "waveforms": waveforms, "training": training, "metrics": metrics, "scaling": scaling,
    "scan": scan,
}  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("draw", lambda: FIGURES[a.figure](a))


if __name__ == "__main__":
    raise SystemExit(main())
