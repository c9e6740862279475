"""The whole page from the files of a run."""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import dataclass
from pathlib import Path

from protodune.core.files import require_file
from protodune.core.tables import read_table
from protodune.events.store import EventStore
from protodune.measure.curves import AREA
from protodune.measure.rows import SOURCE_COLUMNS
from protodune.measure.spec import metrics_of
from protodune.publish.captions import Item, caption
from protodune.publish.page.document import page
from protodune.publish.page.layout import UIElement, browser, sortable_table
from protodune.publish.page.planes import gather_planes
from protodune.publish.page.rulegraph import rulegraph_svg
from protodune.publish.paper import provenance_lines

OWN_MEGABYTES = 3.0
"""What the page weighs without planes and figures: bokeh, tables, settings."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PageContent:
    """What goes into the page.

    ``samples``: dicts of sample, events and products ({family: {method: file}}); ``tables``: dicts of title and path of TSV
    files; ``figures`` with paths below ``results``; ``about``: samples and networks {name: text} and seed; ``rulegraph``:
    file of what Snakemake printed; ``config``: JSON file of the settings.
    """

    samples: list[dict]
    tables: list[dict[str, str]]
    figures: list[Item]
    about: dict
    results: str
    rulegraph: str
    config: str


def assemble(content: PageContent, megabytes: float) -> str:
    """Return the page as HTML of at most ``megabytes``, if one event fits."""
    families = [family for s in content.samples for family in s["products"].values()]
    methods = list(dict.fromkeys(m for family in families for m in family))
    tables, pictures = _tables(content.tables), _pictures(content)
    room = megabytes - OWN_MEGABYTES - sum(len(data) for data, _ in pictures) / 1e6
    planes, encoded = gather_planes(content.samples, room)
    about = {
        "title": f"{_detectors(content.samples)}raw and denoised events",
        "lines": provenance_lines(content.about, "numpy", "scipy", "torch", "bokeh"),
        "settings": json.loads(Path(content.config).read_text(encoding="utf-8")),
    }
    graph = rulegraph_svg(Path(content.rulegraph).read_text(encoding="utf-8"))
    log.info("%d planes, %d tables, %d figures", len(planes["images"]), len(tables), len(pictures))
    return page(browser(planes["images"], methods), tables, planes, encoded, pictures, graph, about)


def _tables(tables: list[dict[str, str]]) -> dict[str, UIElement]:
    found = {}
    for table in tables:
        rows = read_table(table["path"])
        if rows:
            found[table["title"]] = sortable_table(rows, heads_of(rows))
    return found


def heads_of(rows: list[dict[str, str]]) -> dict[str, str]:
    """Return what stands above the columns of a table: heads of metrics as they are defined, words for the others; detector,
    task and step only where rows differ in them."""
    tasks = dict.fromkeys(r["task"] for r in rows if "task" in r)
    metrics = {**metrics_of(tasks), AREA.name: AREA}
    same = {c for c in SOURCE_COLUMNS if len({r.get(c) for r in rows}) == 1}
    heads = {}
    for name in rows[0]:
        if name.endswith("error"):
            heads[name] = "±"
        elif name not in same:
            heads[name] = metrics[name].column if name in metrics else name.replace("_", " ")
    return heads


def _pictures(content: PageContent) -> list[tuple[str, str]]:
    """Return each figure as base64 of its PNG, with its caption."""
    found = []
    for item in content.figures:
        path = require_file(f"{content.results}/{item.path}.png", "a figure", "run `snakemake paper`")
        found.append((base64.b64encode(path.read_bytes()).decode("ascii"), caption(item, content.about["samples"])))
    return found


def _detectors(samples: list[dict]) -> str:
    """Return the titles of the detectors that samples are of, to lead a title."""
    titles = []
    for sample in samples:
        with EventStore(sample["events"]) as store:
            titles.append(store.detector.title)
    return f"{' and '.join(dict.fromkeys(titles))}: " if titles else ""
