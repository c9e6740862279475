"""Events that conversions left out."""

from __future__ import annotations

from collections.abc import Iterable

from protodune.events.store import EventStore

COLUMNS = ("sample", "entry", "cause")


def lost_events(stores: Iterable[str]) -> list[dict]:
    """Return one row per event that could not be read, of all stores."""
    rows = []
    for path in stores:
        with EventStore(path) as store:
            rows += [{"sample": store.about["sample"], **lost} for lost in store.lost_events]
    return rows
