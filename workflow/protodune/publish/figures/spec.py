"""A figure: the table that it draws, how it is drawn, what its caption says, and where it stands in the paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from protodune.core.registry import load, names

PACKAGE = "protodune.publish.figures.known"
Rows = list[dict[str, str]]
FROM_IMAGES = ("events", "patches")
"""Kinds of figures that show images of a store; the stage ``draw_event`` draws them."""


def as_they_are(rows: Rows) -> Rows:
    """Return the rows."""
    return rows


@dataclass(frozen=True)
class Figure:
    """One figure.

    ``head``: its title; ``table``: the kind of table that it draws; ``draw``: from (rows, networks, title) to a figure of
    Matplotlib, where ``networks`` are the methods that are networks (figures of the kinds ``events`` and ``patches`` take
    images instead); ``caption``: what it shows; ``order``: its place in the paper; ``prepare``: from the rows of the tables
    to those that are drawn, which are written beside the figure; ``compares``: whether it is limited to the methods that
    the configuration compares.
    """

    name: str
    head: str
    table: str
    draw: Callable[..., Any]
    caption: str
    order: int
    prepare: Callable[[Rows], Rows] = as_they_are
    compares: bool = True


def find_figure(name: str) -> Figure:
    """Return the figure of this name: one of ``publish.figures.known``, or of a module of your own (``package.module``)."""
    return load(PACKAGE, name, "FIGURE", Figure, "figure")


def figure_names() -> list[str]:
    """Names of the figures that come with the package."""
    return names(PACKAGE)


def distinct_methods(rows: Rows, networks: Sequence[str]) -> tuple[Rows, set[str]]:
    """Return rows in which methods of one name that differ in step or detector have names of their own, and the names of
    the networks among them."""
    found, chosen = rows, set(networks)
    for column in ("step", "detector"):
        values: dict[str, set[str]] = {}
        for row in found:
            if column in row and "method" in row:
                values.setdefault(row["method"], set()).add(row[column])
        several = {method for method, here in values.items() if len(here) > 1}
        if several:
            named = {(m, v): f"{m} ({v})" for m in several for v in values[m]}
            chosen |= {name for (m, _), name in named.items() if m in chosen}
            found = [r | {"method": named[r["method"], r[column]]} if r["method"] in several else r for r in found]
    return found, chosen
