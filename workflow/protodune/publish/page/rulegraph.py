"""The workflow's graph of rules as SVG: layers from left to right, without any program from outside."""

from __future__ import annotations

import html
import re

_STYLE = (
    ".graph{width:100%;height:auto}.graph path{fill:none;stroke:#999}.graph rect{fill:#eef4fa;stroke:#0072b2}"
    ".graph text{font:12px sans-serif;text-anchor:middle}"
)
BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y = 150, 24, 50, 14


def parse_dot(text: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return the rules by node and the edges of what ``snakemake --rulegraph`` prints."""
    rules = dict(re.findall(r'^\s*(\d+)\[label = "([^"\\]+)', text, re.MULTILINE))
    edges = [(a, b) for a, b in re.findall(r"^\s*(\d+) -> (\d+)", text, re.MULTILINE) if a in rules and b in rules]
    return rules, edges


def layers(rules: dict[str, str], edges: list[tuple[str, str]]) -> list[list[str]]:
    """Return the nodes by the longest path that leads to them, each layer ordered by the middle of what it follows."""
    depth = dict.fromkeys(rules, 0)
    for _ in rules:  # at most as many rounds as there are nodes on a path
        for a, b in edges:
            depth[b] = max(depth[b], depth[a] + 1)
    found: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in sorted(rules, key=lambda n: rules[n]):
        found[depth[node]].append(node)
    place: dict[str, float] = {}
    for layer in found:
        before = {n: [place[a] for a, b in edges if b == n and a in place] for n in layer}
        layer.sort(key=lambda n: sum(before[n]) / len(before[n]) if before[n] else 0.0)
        place |= {n: float(i) - len(layer) / 2 for i, n in enumerate(layer)}
    return found


def rulegraph_svg(dot: str) -> str:
    """Return the graph as SVG text; a sentence if there is no rule."""
    rules, edges = parse_dot(dot)
    if not rules:
        return "<p>No rules.</p>"
    columns = layers(rules, edges)
    tallest = max(map(len, columns))
    height = tallest * (BOX_HEIGHT + GAP_Y) + GAP_Y
    corner: dict[str, tuple[float, float]] = {}
    for number, layer in enumerate(columns):
        top = (height - len(layer) * (BOX_HEIGHT + GAP_Y) + GAP_Y) / 2
        for i, node in enumerate(layer):
            corner[node] = (GAP_X / 2 + number * (BOX_WIDTH + GAP_X), top + i * (BOX_HEIGHT + GAP_Y))
    width = len(columns) * (BOX_WIDTH + GAP_X)
    text = [f'<svg viewBox="0 0 {width} {height:.0f}" role="img" aria-label="graph of the rules" class="graph">']
    text.append(f"<style>{_STYLE}</style>")
    for a, b in edges:
        (x0, y0), (x1, y1) = corner[a], corner[b]
        x0, y0, y1 = x0 + BOX_WIDTH, y0 + BOX_HEIGHT / 2, y1 + BOX_HEIGHT / 2
        middle = (x0 + x1) / 2
        text.append(f'<path d="M{x0:.0f},{y0:.0f} C{middle:.0f},{y0:.0f} {middle:.0f},{y1:.0f} {x1:.0f},{y1:.0f}"/>')
    for node, (x, y) in corner.items():
        text.append(f'<rect x="{x:.0f}" y="{y:.0f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="4"/>')
        name = html.escape(rules[node])
        text.append(f'<text x="{x + BOX_WIDTH / 2:.0f}" y="{y + BOX_HEIGHT / 2 + 4:.0f}">{name}</text>')
    return "\n".join([*text, "</svg>"])
