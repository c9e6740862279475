"""What the figures of the checks without truth share: raw and denoised images of several methods, plane by plane."""

from __future__ import annotations

from collections.abc import Callable

from protodune.publish.figures.spec import Rows


def compared_images(order: list[str]) -> list[tuple[str, Callable[[dict], float]]]:
    """Return the images that a figure compares, by label: raw, then what each method made of it."""
    return [("raw", lambda r: float(r["raw"])), *((m, lambda r: float(r["denoised"])) for m in order)]


def rows_of(rows: Rows, quantity: str, plane: str, method: str) -> Rows:
    """Return the rows of one quantity of one plane and method."""
    return [r for r in rows if r["quantity"] == quantity and r["plane"] == plane and r["method"] == method]
