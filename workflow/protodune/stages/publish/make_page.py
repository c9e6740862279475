"""Make the interactive page of a run: events, tables, figures, the workflow, provenance; one HTML file."""

from __future__ import annotations

import argparse
import base64
import json
import logging
from pathlib import Path

from protodune.publish.captions import Item, caption
from protodune.core.files import require_file, write_text
from protodune.publish.page.document import page
from protodune.publish.page.layout import browser, sortable_table
from protodune.publish.page.planes import gather_planes
from protodune.publish.page.rulegraph import rulegraph_svg
from protodune.core.provenance import versions
from protodune.stages.command import run_stage, stage_parser
from protodune.core.tables import read_table

log = logging.getLogger(__name__)
OWN_MEGABYTES = 3.0
"""What the page weighs without planes and figures: bokeh, tables, settings."""


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("make_page", __doc__)
    p.add_argument(
        "--samples", required=True, help="JSON: a list of {sample, events, predictions: {family: {method: file}}}"
    )
    p.add_argument("--tables", required=True, help="JSON: a list of {title, path} of TSV files")
    p.add_argument("--figures", required=True, help="JSON: a list of {kind, path, about}; paths below --results")
    p.add_argument("--about", required=True, help="JSON: {samples: {name: text}, networks: {name: text}, seed}")
    p.add_argument("--results", required=True, help="folder that the figures' paths are relative to")
    p.add_argument("--rulegraph", required=True, help="what `snakemake --rulegraph` printed")
    p.add_argument("--config", required=True, help="JSON of the settings")
    p.add_argument("--megabytes", type=float, default=29.0, help="most that the page may weigh, if one event fits")
    p.add_argument("--output", required=True, help="HTML to write")
    return p


def run(a: argparse.Namespace) -> None:
    """Write the page."""
    samples, about = json.loads(a.samples), json.loads(a.about)
    methods = list(dict.fromkeys(m for s in samples for family in s["predictions"].values() for m in family))
    tables = {}
    for table in json.loads(a.tables):
        rows = read_table(table["path"])
        if rows:
            tables[table["title"]] = sortable_table(
                rows, {name: "±" if name.endswith("error") else name.replace("_", " ") for name in rows[0]}
            )
    pictures = []
    for item in (Item(**i) for i in json.loads(a.figures)):
        path = require_file(f"{a.results}/{item.path}.png", "a figure", "run `snakemake paper`")
        pictures.append((base64.b64encode(path.read_bytes()).decode("ascii"), caption(item, about["samples"])))
    planes, encoded = gather_planes(samples, a.megabytes - OWN_MEGABYTES - sum(len(data) for data, _ in pictures) / 1e6)
    found = ", ".join(f"{name} {number}" for name, number in versions("numpy", "scipy", "torch", "bokeh").items())
    lines = [f"Versions: {found}.", f"Seed of the run: {about['seed']}."]
    lines += [f"Sample {name}: {text}." for name, text in about["samples"].items()]
    lines += [f"Network {name}: {text}." for name, text in about["networks"].items()]
    told = {"title": "ProtoDUNE-SP: raw and cleaned", "lines": lines,
            "settings": json.loads(Path(a.config).read_text(encoding="utf-8"))}  # fmt: skip
    graph = rulegraph_svg(Path(a.rulegraph).read_text(encoding="utf-8"))
    text = page(browser(planes["images"], methods), tables, planes, encoded, pictures, graph, told)
    write_text(a.output, text)
    log.info("%s: %d planes, %d tables, %d figures, %.1f MB", a.output, len(planes["images"]), len(tables), len(pictures),
             len(text.encode()) / 1e6)  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("make_page", lambda: run(a))


if __name__ == "__main__":
    raise SystemExit(main())
