"""What the data of a file are like, plane by plane: noise, bad channels, and how much of it is signal."""

from __future__ import annotations

import numpy as np

from protodune.events.store import EventStore
from protodune.rawio.exported import region_counts

COLUMNS = ("run", "plane", "images", "channels", "bad_channels", "noise_rms", "pixels", "regions", "region_pixels")


class Quality:
    """Sums over the event stores of a file."""

    def __init__(self):
        self._rows: dict[tuple[int, str], dict] = {}

    def add(self, events: str) -> None:
        """Add an event store."""
        with EventStore(events) as store:
            for image in range(len(store)):
                run = store.event_id(image)[0]
                for plane in store.detector.units[store.unit[image]].planes:
                    key = (run, plane)
                    _add(self._rows, key, store.noise_rms(plane, image), store.bad(plane, image), store.ticks)

    def rows(self, output: str) -> list[dict]:
        """Return a row (``COLUMNS``) of each run and plane, with what the ROOT file says that was made of the stores.

        ``images``, ``channels`` and ``bad_channels`` are sums over images (one per event and unit), ``noise_rms`` the mean
        over images of the median of the good channels, ADC; ``pixels``: values of good channels; ``regions`` that the
        network found and ``region_pixels``, the values within them, None where the network finds no regions.
        """
        found, rows = region_counts(output), []
        for (run, plane), sums in self._rows.items():
            noise = sums["noise"]
            regions, pixels = (None, None) if found is None else found.get((run, plane), (0, 0))
            row = sums | {
                "run": run, "plane": plane, "noise_rms": round(float(np.mean(noise)), 4) if noise else None,
                "regions": regions, "region_pixels": pixels,
            }  # fmt: skip
            rows.append({name: row[name] for name in COLUMNS})
        return rows


def _add(rows: dict, key: tuple[int, str], noise: np.ndarray, bad: np.ndarray, ticks: int) -> None:
    row = rows.setdefault(key, {"images": 0, "channels": 0, "bad_channels": 0, "pixels": 0, "noise": []})
    good = int((~bad).sum())
    row["images"] += 1
    row["channels"] += len(bad)
    row["bad_channels"] += len(bad) - good
    row["pixels"] += good * ticks
    if good:
        row["noise"].append(float(np.median(noise[~bad])))
