"""Draw one figure from the images of a sample: event displays, zooms, waveforms, training patches."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter

from protodune.learning.patch_files import FORMAT, FORMAT_VERSION
from protodune.core.errors import ProtoduneError
from protodune.publish.figures.display import draw_crops, draw_display
from protodune.publish.figures.style import save_figure
from protodune.publish.figures.waveforms import draw_waveforms
from protodune.detector.geometry import PLANE_FAMILIES, drift_facing_rows
from protodune.core.hdf5 import open_checked
from protodune.events.predictions import Predictions
from protodune.events.truth import LABEL_ADC
from protodune.stages.command import run_stage, stage_parser
from protodune.events.store import EventStore
from protodune.core.tables import read_table, write_table
from protodune.events.true_regions import TrueRegions, true_regions

DISPLAY_TICKS = 1600
WAVEFORM_TICKS = 300
PROLONGED_PIXELS = (60, 900)
ZOOM_PIXELS = (60, 300)
"""Channels and ticks of the windows of zooms."""
MIN_IONISATION, MIN_CHANNELS, PROLONGED_DEG = 0.7, 5, 60.0
"""What a region of a track must have in minimum ionising particles, a track in channels, and a prolonged one in theta_xz to
be shown as typical."""


def parser() -> argparse.ArgumentParser:
    """Command line of the stage: one sub-command a figure."""
    p = stage_parser("draw_event", __doc__)
    kinds = p.add_subparsers(dest="figure", required=True)
    for name in ("display", "zoom", "waveforms"):
        q = kinds.add_parser(name)
        q.add_argument("--network", required=True, help="prediction file of a network")
        q.add_argument("--classical", required=True, help="prediction file of a classical method")
        q.add_argument("--names", required=True, nargs=2, metavar=("NETWORK", "CLASSICAL"))
    q = kinds.add_parser("crops")
    q.add_argument("--patches", required=True, help="patch file of the sample")
    for q in kinds.choices.values():
        q.add_argument("--plane", required=True, choices=sorted(PLANE_FAMILIES))
        q.add_argument("--sample", required=True)
        q.add_argument("--events", required=True)
        q.add_argument("--output", required=True, help="PNG to write; SVG and TSV beside it")
    return p


def display(a: argparse.Namespace) -> None:
    """Draw the busiest window of the sample's first image: the family's last view, the rows that face the drift."""
    with Shown(a) as shown:
        rows = drift_facing_rows(shown.view, int(shown.store.apa[0]))
        ticks = busiest_window(shown.denoised[rows], DISPLAY_TICKS)
        _draw_windows(a, shown, {"": (rows, ticks)})


def zoom(a: argparse.Namespace) -> None:
    """Draw two small windows of the sample's first image: the longest signal of a channel, and the most charge."""
    with Shown(a) as shown:
        image = shown.truth if shown.truth is not None else shown.denoised
        size = np.abs(image)
        long = int(np.argmax((size > 3.5).sum(axis=1)))
        middle = int(np.median(np.flatnonzero(size[long] > 3.5))) if (size[long] > 3.5).any() else image.shape[1] // 2
        busy = uniform_filter(size, ZOOM_PIXELS, mode="constant")
        most = np.unravel_index(int(np.argmax(busy)), busy.shape)
        windows = {
            "longest signal": _around(image.shape, (long, middle), PROLONGED_PIXELS),
            "most charge": _around(image.shape, most, ZOOM_PIXELS),
        }
        _draw_windows(a, shown, windows)


class Shown:
    """The first image of a sample as the figures show it: the family's last view; a context manager."""

    def __init__(self, a: argparse.Namespace):
        self.view = PLANE_FAMILIES[a.plane][-1]
        self._files = contextlib.ExitStack()
        self.store = self._files.enter_context(EventStore(a.events))
        network = self._files.enter_context(Predictions(a.network))
        network.check_matches(self.store)
        if len(self.store) == 0:
            raise ProtoduneError(f"{a.events}: holds no image, expected at least one to draw; check its conversion")
        self.raw, self.denoised = self.store.waveforms(self.view, 0), network.denoised(self.view, 0)
        self.truth = self.store.clean(self.view, 0) if self.store.has_clean else None

    def __enter__(self) -> Shown:
        return self

    def __exit__(self, *_) -> None:
        self._files.close()


def _around(shape: tuple[int, int], centre: tuple[int, int], size: tuple[int, int]) -> tuple[slice, slice]:
    starts = [int(np.clip(c - s // 2, 0, max(0, n - s))) for c, s, n in zip(centre, size, shape, strict=True)]
    return tuple(slice(start, min(start + s, n)) for start, s, n in zip(starts, size, shape, strict=True))


def _draw_windows(a: argparse.Namespace, shown: Shown, windows: dict[str, tuple[slice, slice]]) -> None:
    images = {"raw": shown.raw, f"denoised ({a.names[0]})": shown.denoised}
    if shown.truth is not None:
        images |= {"truth": shown.truth, "denoised - truth": shown.denoised - shown.truth}
    else:
        images |= {"raw - denoised": shown.raw - shown.denoised}
    channels, lines, table = shown.store.channel(shown.view, 0), [], []
    for label, (rows, ticks) in windows.items():
        panels = {name: image[rows, ticks] for name, image in images.items()}
        lines.append((label, (ticks.start, int(channels[rows][0])), panels))
        for name, p in panels.items():
            values = {"mean": float(p.mean()), "rms": float(p.std()), "min": float(p.min()), "max": float(p.max())}
            table.append({"window": label or "busiest", "panel": name, **values})
    save_figure(draw_display(lines, a.plane, _title(a, shown.store, shown.view)), a.output)
    write_table(Path(a.output).with_suffix(".tsv"), table, list(table[0]))


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
        regions = true_regions(store, view, 0) if store.has_charge else None
        if regions is not None:
            regions = regions.where(~store.bad(view, 0)[regions.row])
    table = []
    for case, row, centre in interesting_channels(truth, regions):
        start = int(np.clip(centre - WAVEFORM_TICKS // 2, 0, max(0, truth.shape[1] - WAVEFORM_TICKS)))
        for tick in range(start, min(start + WAVEFORM_TICKS, truth.shape[1])):
            values = {name: float(source[row, tick]) for name, source in sources.items()}
            table.append({"channel": int(channels[row]), "case": case, "tick": tick, **values})
    target = Path(a.output).with_suffix(".tsv")
    write_table(target, table, ["channel", "case", "tick", *sources])
    labels = {"network": a.names[0], "classical": a.names[1]}
    save_figure(draw_waveforms(read_table(target), labels, title), a.output)


def interesting_channels(truth: np.ndarray, regions: TrueRegions | None = None) -> list[tuple[str, int, int]]:
    """Return (case, row, tick) of what physicists look at, as far as ``truth`` (channels, ticks), ADC, and its ``regions``
    have it: an isochronous track, a prolonged one, two that overlap.

    Isochronous: the most parallel to the wires of the tracks on at least five channels, its middle one in charge.
    Prolonged: the longest region of a track at 60 degrees or more.  Overlapping: the region whose second particle gave most.
    Without such regions the highest pulse and the longest signal, without signal a channel in the middle.
    """
    size = np.abs(truth)
    if size.max(initial=0) == 0:
        return [("no signal", truth.shape[0] // 2, truth.shape[1] // 2)]
    cases = _track_cases(regions) if regions is not None else []
    if not cases:
        long = int(np.argmax((size > LABEL_ADC).sum(axis=1)))
        loud = np.flatnonzero(size[long] > LABEL_ADC)
        highest = np.unravel_index(int(np.argmax(size)), size.shape)
        cases = [("highest pulse", *highest)]
        cases += [("longest signal", long, int(np.median(loud)))] if len(loud) else []
    return [(case, int(row), int(tick)) for case, row, tick in cases]


def _track_cases(regions: TrueRegions) -> list[tuple[str, int, int]]:
    """The cases of ``interesting_channels`` that true regions have."""
    found: list[tuple[str, int]] = []
    track = np.flatnonzero(np.isfinite(regions.theta_deg) & (regions.ionisation > MIN_IONISATION))
    particles, channels = np.unique(regions.particle[track], return_counts=True)
    wide = track[np.isin(regions.particle[track], particles[channels >= MIN_CHANNELS])]
    if len(wide):
        flattest = wide[regions.theta_deg[wide] == regions.theta_deg[wide].min()]
        found.append(("isochronous track", flattest[np.argsort(regions.electrons[flattest])[len(flattest) // 2]]))
    steep = track[regions.theta_deg[track] >= PROLONGED_DEG]
    if len(steep):
        found.append(("prolonged track", steep[np.argmax((regions.end - regions.begin)[steep])]))
    if len(regions.row) and (shared := regions.second * regions.electrons).max() > 0:
        found.append(("overlapping tracks", int(np.argmax(shared))))
    return [(case, regions.row[i], (regions.begin[i] + regions.end[i]) // 2) for case, i in found]


def crops(a: argparse.Namespace) -> None:
    """Draw where the patches of a training sample's first plane come from, over its truth; none on validation tiles."""
    view = PLANE_FAMILIES[a.plane][0]
    with EventStore(a.events) as store, open_checked(a.patches, FORMAT, FORMAT_VERSION, "prepare") as file:
        truth, channels = store.clean(view, 0), store.channel(view, 0)
        origin, (height, width) = file["origin"][:], file["clean"].shape[1:]
        title = _title(a, store, view)
    corners = origin[(origin[:, 0] == 0) & (origin[:, 1] == 0), 2:]
    rows = []
    for row, tick in corners.tolist():
        signal = bool((np.abs(truth[row : row + height, tick : tick + width]) >= LABEL_ADC).any())
        rows.append({"channel": int(channels[row]), "tick": tick, "height": height, "width": width, "signal": int(signal)})
    write_table(Path(a.output).with_suffix(".tsv"), rows, ["channel", "tick", "height", "width", "signal"])
    save_figure(draw_crops(truth, rows, int(channels[0]), title), a.output)


FIGURES = {"display": display, "zoom": zoom, "waveforms": waveforms, "crops": crops}


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("draw_event", lambda: FIGURES[a.figure](a))


if __name__ == "__main__":
    raise SystemExit(main())
