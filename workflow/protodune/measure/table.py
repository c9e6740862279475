"""Scores of all methods as means over events: by step, family, channels and method, and on tracks at one angle."""

from __future__ import annotations

from protodune.measure.average import all_keys, average_rows, averaged_columns
from protodune.measure.rows import COLUMNS

KEYS = all_keys(COLUMNS, ("family", "channels", "method", "metric"))
TABLE_COLUMNS = averaged_columns(KEYS, ("value",))
ANGLE_KEYS = all_keys(COLUMNS, ("plane", "theta_deg", "method", "metric"))
ANGLE_COLUMNS = averaged_columns(ANGLE_KEYS, ("value",))
NO_LIMIT = "nan"


def _single_numbers(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Leave out what depends on something, as the counts of curves do on a threshold."""
    return [r for r in rows if r["low"] == r["high"] == NO_LIMIT]


def summarise(rows: list[dict[str, str]]) -> list[dict]:
    """Average scores over events, in the order of their first appearance (``TABLE_COLUMNS``)."""
    return average_rows(_single_numbers(rows), KEYS)


def by_angle(rows: list[dict[str, str]], angles: dict[str, tuple[str, float]]) -> list[dict]:
    """Average the scores of samples of tracks at one angle by plane, angle and method (``ANGLE_COLUMNS``).

    ``angles``: name of the plane and theta_xz in degrees by sample; scores on all channels of that plane only.
    """
    kept = []
    for row in _single_numbers(rows):
        plane, theta = angles[row["sample"]]
        if row["plane"] == plane and row["channels"] == "all":
            kept.append(row | {"theta_deg": theta})
    kept.sort(key=lambda r: (r["plane"], r["theta_deg"]))
    return average_rows(kept, ANGLE_KEYS)
