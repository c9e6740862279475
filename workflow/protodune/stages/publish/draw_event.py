"""Draw one figure from the images of a sample: event displays, zooms, waveforms, training patches."""

from __future__ import annotations

import argparse
from pathlib import Path

from protodune.core.hdf5 import open_checked
from protodune.core.tables import read_table, write_table
from protodune.detector.model import FAMILIES
from protodune.learning.featureset import find_features
from protodune.learning.patch_files import FORMAT, FORMAT_VERSION
from protodune.measure.showcase import Shown, display_windows, patch_rows, waveform_rows, zoom_windows
from protodune.publish.figures.spec import find_figure
from protodune.publish.figures.style import save_figure
from protodune.stages.command import run_stage, stage_parser

WINDOWS = {"display": display_windows, "zoom": zoom_windows}
WAVEFORM_COLUMNS = ["channel", "case", "tick", "raw", "classical", "network", "truth"]
PATCH_COLUMNS = ["channel", "tick", "height", "width", "signal"]


def parser() -> argparse.ArgumentParser:
    """Command line of the stage: one sub-command per figure."""
    p = stage_parser("draw_event", __doc__)
    kinds = p.add_subparsers(dest="figure", required=True)
    for name in (*WINDOWS, "waveforms"):
        q = kinds.add_parser(name)
        q.add_argument("--network", required=True, help="product file of a network")
        q.add_argument("--classical", required=True, help="product file of a classical method")
        q.add_argument("--names", required=True, nargs=2, metavar=("NETWORK", "CLASSICAL"))
    q = kinds.add_parser("crops")
    q.add_argument("--patches", required=True, help="patch file of the sample")
    for q in kinds.choices.values():
        q.add_argument("--family", required=True, choices=FAMILIES, help="plane family")
        q.add_argument("--sample", required=True)
        q.add_argument("--events", required=True, help="HDF5 event store")
        q.add_argument("--output", required=True, help="PNG to write; SVG and TSV beside it")
    return p


def windows(figure: str, family: str, sample: str, events: str, network: tuple[str, str], output: str) -> None:
    """Draw windows of a plane; ``network``: name and product file."""
    name, path = network
    with Shown(events, family, {name: path}) as shown:
        found = WINDOWS[figure](shown, name)
        drawn = find_figure(figure).draw(found, shown.plane, shown.title(sample))
    table = [line for window in found for line in window.summary()]
    write_table(Path(output).with_suffix(".tsv"), table, list(table[0]))
    save_figure(drawn, output)


def waveforms(
    family: str, sample: str, events: str, network: tuple[str, str], classical: tuple[str, str], output: str
) -> None:
    """Write the waveforms of a few channels, then draw them; ``network`` and ``classical``: name and product file."""
    target = Path(output).with_suffix(".tsv")
    with Shown(events, family, dict((network, classical))) as shown:
        write_table(target, waveform_rows(shown, network[0], classical[0]), WAVEFORM_COLUMNS)
        title, tick_us = shown.title(sample), shown.plane.tick_us
    labels = {"network": network[0], "classical": classical[0]}
    save_figure(find_figure("waveforms").draw(read_table(target), labels, tick_us, title), output)


def crops(family: str, sample: str, events: str, patches: str, output: str) -> None:
    """Draw where the patches of a training sample's first plane come from, over its truth."""
    with Shown(events, family, {}, last=False) as shown, open_checked(patches, FORMAT, FORMAT_VERSION, "prepare") as file:
        origin, (height, width) = file["origin"][:], file["features"].shape[2:]
        rebin = find_features(str(file.attrs["features"])).rebin
        corners = origin[(origin[:, 0] == shown.image) & (origin[:, 1] == 0), 2:] * [1, rebin]
        rows = patch_rows(shown, corners, (height, width * rebin))
        drawn = find_figure("crops").draw(shown.truth(), rows, shown.plane, shown.title(sample))
    write_table(Path(output).with_suffix(".tsv"), rows, PATCH_COLUMNS)
    save_figure(drawn, output)


def run(a: argparse.Namespace) -> None:
    """Draw the figure that was asked for."""
    if a.figure == "crops":
        crops(a.family, a.sample, a.events, a.patches, a.output)
        return
    network, classical = (a.names[0], a.network), (a.names[1], a.classical)
    if a.figure == "waveforms":
        waveforms(a.family, a.sample, a.events, network, classical, a.output)
    else:
        windows(a.figure, a.family, a.sample, a.events, network, a.output)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("draw_event", lambda: run(a))


if __name__ == "__main__":
    raise SystemExit(main())
