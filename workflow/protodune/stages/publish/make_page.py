"""Make the interactive page of a run: events, tables, figures, the workflow, provenance; one HTML file."""

from __future__ import annotations

import argparse
import json
import logging

from protodune.core.files import write_text
from protodune.publish.captions import Item
from protodune.publish.page.assembly import PageContent, assemble
from protodune.stages.command import number, run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("make_page", __doc__)
    p.add_argument("--samples", required=True, help="JSON: a list of {sample, events, products: {family: {method: file}}}")
    p.add_argument("--tables", required=True, help="JSON: a list of {title, path} of TSV files")
    p.add_argument("--figures", required=True, help="JSON: a list of {kind, path, about}; paths below --results")
    p.add_argument("--about", required=True, help="JSON: {samples: {name: text}, networks: {name: text}, seed}")
    p.add_argument("--results", required=True, help="folder that the paths of figures are relative to")
    p.add_argument("--rulegraph", required=True, help="what `snakemake --rulegraph` printed")
    p.add_argument("--config", required=True, help="JSON of the settings")
    p.add_argument("--megabytes", type=number, default=29.0, help="most that the page may weigh, if one event fits")
    p.add_argument("--output", required=True, help="HTML to write")
    return p


def run(content: PageContent, megabytes: float, output: str) -> None:
    """Write the page."""
    text = assemble(content, megabytes)
    write_text(output, text)
    log.info("%s: %.1f MB", output, len(text.encode()) / 1e6)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    figures = [Item(**item) for item in json.loads(a.figures)]
    samples, tables, about = (json.loads(text) for text in (a.samples, a.tables, a.about))
    content = PageContent(samples, tables, figures, about, a.results, a.rulegraph, a.config)
    return run_stage("make_page", lambda: run(content, a.megabytes, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
