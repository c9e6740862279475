"""Read back what an exported ROOT file says of regions."""

from __future__ import annotations

from collections import Counter

import uproot

from protodune.rawio.export import REGIONS


def region_counts(path: str) -> dict[tuple[int, str], tuple[int, int]] | None:
    """Return by run and plane how many regions a file of ``export_products`` has, and how many ticks they have together;
    None for a file without the tree of regions."""
    with uproot.open(path) as file:
        if REGIONS not in file:
            return None
        columns = file[REGIONS].arrays(["run", "plane", "begin", "end"], library="np")
    number, ticks = Counter(), Counter()
    for run, plane, length in zip(
        columns["run"].tolist(), columns["plane"].tolist(), (columns["end"] - columns["begin"]).tolist(), strict=True
    ):
        number[run, plane] += 1
        ticks[run, plane] += length
    return {key: (number[key], ticks[key]) for key in number}
