"""Put all figures and tables of the paper into one document: Markdown and LaTeX, with captions and provenance."""

from __future__ import annotations

import argparse
import json
import logging

from protodune.publish import paper
from protodune.publish.captions import Item
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("write_paper", __doc__)
    p.add_argument("--items", required=True, help="JSON: a list of {kind, path, about, is_table}, in order")
    p.add_argument("--about", required=True, help="JSON: {samples: {name: text}, networks: {name: text}, seed}")
    p.add_argument("--results", required=True, help="folder that the paths are relative to")
    p.add_argument("--output", required=True, help="Markdown to write; LaTeX beside it")
    return p


def run(items: list[Item], about: dict, results: str, output: str) -> None:
    """Write both documents."""
    paper.write_paper(items, about, results, output)
    log.info("%s: %d figures, %d tables", output, sum(not i.is_table for i in items), sum(i.is_table for i in items))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    items = [Item(**item) for item in json.loads(a.items)]
    return run_stage("write_paper", lambda: run(items, json.loads(a.about), a.results, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
