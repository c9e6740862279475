"""Hooks of the site: pages whose text is a file outside docs/, and flow charts as pictures, since mermaid would be loaded
from another server."""

import re
import sys
from itertools import pairwise
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "workflow"))

from protodune.publish.page.rulegraph import rulegraph_svg  # noqa: E402

INCLUDED = {"zoo.md": "zoo/README.md", "configuration.md": "config/README.md"}


def on_page_markdown(markdown: str, page, **_) -> str:
    """Return the text of a page; mkdocs calls this for each page."""
    source = INCLUDED.get(page.file.src_uri)
    if source is not None:
        markdown = (REPOSITORY / source).read_text(encoding="utf-8").replace("](../docs/", "](")
    return re.sub(r"```mermaid\n(.*?)```", lambda found: flow_chart(found[1]), markdown, flags=re.DOTALL)


def flow_chart(text: str) -> str:
    """Return a mermaid flow chart of chains (a --> b --> c) as SVG."""
    names: dict[str, str] = {}
    edges = []
    for line in text.splitlines()[1:]:
        chain = [re.fullmatch(r"(\w+)(?:\[(.*)\])?", part.strip()) for part in line.split("-->")]
        for node in chain:
            names[node[1]] = node[2] or names.get(node[1], node[1])
        edges += [(a[1], b[1]) for a, b in pairwise(chain)]
    number = {name: i for i, name in enumerate(names)}
    dot = [f' {number[name]}[label = "{label}"];' for name, label in names.items()]
    dot += [f" {number[a]} -> {number[b]}" for a, b in edges]
    return rulegraph_svg("\n".join(dot)).replace("\n", "")
