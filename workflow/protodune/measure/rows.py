"""The rows of measurements: one schema for scores and details, per image and averaged over events."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from protodune.core.errors import ProtoduneError
from protodune.core.tables import read_columns_and_rows
from protodune.detector.model import Plane
from protodune.events.store import EventStore

SOURCE_COLUMNS = ("detector", "task", "step")
"""Rows that differ in one of these are never averaged together."""
PLACE_COLUMNS = (*SOURCE_COLUMNS, "method", "sample", "run", "subrun", "event", "detector_unit", "family", "plane")
"""What a row is about: a method's product of one plane of one image."""
COLUMNS = (*PLACE_COLUMNS, "channels", "metric", "unit", "low", "high", "value")


def place_of(store: EventStore, plane: Plane, image: int, about: dict[str, str]) -> dict:
    """Return the columns of a place; ``about``: task, step, method and sample."""
    run, subrun, event = store.event_id(image)
    here = {"run": run, "subrun": subrun, "event": event, "detector_unit": plane.unit, "family": plane.family}
    return {"detector": store.detector.name, **about, **here, "plane": plane.name}


def read_rows(paths: Iterable[str | Path]) -> tuple[list[str], list[dict[str, str]]]:
    """Return columns and rows of tables together; all columns of any table, in the order of their first appearance."""
    columns: dict[str, None] = {}
    rows: list[dict[str, str]] = []
    for path in paths:
        names, found = read_columns_and_rows(path)
        rows += found
        columns |= dict.fromkeys(names)
    return list(columns), rows


def require_one_detector(rows: Iterable[dict[str, str]], mixed: bool) -> None:
    """Raise a ProtoduneError if rows are of several detectors and nobody asked for that."""
    found = list(dict.fromkeys(r["detector"] for r in rows if "detector" in r))
    if len(found) > 1 and not mixed:
        raise ProtoduneError(
            f"rows of the detectors {' and '.join(found)}, expected those of one; choose samples of one detector, or give "
            "--mixed-detectors to have them side by side in one table"
        )
