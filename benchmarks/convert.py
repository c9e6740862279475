"""Convert an art file and compare with uproot's own slow path: every ADC value, time of both.

python benchmarks/convert.py FILE.root [--repeat 5] [--json out.json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import uproot

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from protodune.events.store import EventStore
from protodune.rawio.source import open_raw
from protodune.stages.produce import convert


def slow_path(path: str, stem: str) -> list[dict[int, np.ndarray]]:
    """Waveforms by channel of every event, by uproot's ``.array()``."""
    with uproot.open(path) as file:
        leaf = f"{stem}/{stem}obj/{stem}obj"
        waveforms, channels = (file["Events"][f"{leaf}.{name}"].array() for name in ("fADC", "fChannel"))
        return [
            {int(c): np.asarray(w) for c, w in zip(channels[i], waveforms[i], strict=True)} for i in range(len(channels))
        ]


def count_differences(store: EventStore, events: list[dict[int, np.ndarray]]) -> tuple[int, int]:
    """Number of ADC values compared, and of those that differ."""
    compared = different = 0
    images = {(int(store.event_row[i]), int(store.unit[i])): i for i in range(len(store))}
    for row, event in enumerate(events):
        for channel, expected in event.items():
            unit = store.detector.units[int(store.detector.unit_of(np.array(channel)))]
            plane = next(p for p in unit.planes.values() if 0 <= channel - p.first_channel < p.n_channels)
            found = planes(store, plane.name, images[row, unit.number])[channel - plane.first_channel, : len(expected)]
            compared += len(expected)
            different += int(np.count_nonzero(found != expected))
    return compared, different


def planes(store: EventStore, plane: str, image: int, cache: dict = {}) -> np.ndarray:  # noqa: B006  (a cache)
    """One plane, read once."""
    key = (store.path, plane, image)
    if key not in cache:
        cache[key] = store.adc(plane, image)
    return cache[key]


def median_time(action: Callable[[], object], repeat: int) -> float:
    """Median wall time of an action in seconds."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--tag")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json")
    args = parser.parse_args()
    stem = open_raw(args.file, args.tag).about["digits"]
    with tempfile.TemporaryDirectory() as folder:
        target = f"{folder}/events.h5"
        settings = convert.ConvertSettings("benchmark", "data", args.tag)
        convert_s = median_time(lambda: convert.run(settings, args.file, None, target), args.repeat)
        with EventStore(target) as store:
            compared, different = count_differences(store, slow_path(args.file, stem))
    source = open_raw(args.file, args.tag)
    result = {
        "file": Path(args.file).name,
        "values": compared,
        "different": different,
        "read_s": median_time(lambda: [source.read(i) for i in range(len(source))], args.repeat),
        "uproot_array_s": median_time(lambda: slow_path(args.file, stem), args.repeat),
        "convert_s": convert_s,
        "repeat": args.repeat,
    }
    for name, value in result.items():
        print(f"{name:16} {value:.3f}" if isinstance(value, float) else f"{name:16} {value}")
    if args.json:
        Path(args.json).write_text(json.dumps(result, indent=1) + "\n")
    if different:
        raise SystemExit(f"convert: {different} of {compared} values differ from uproot's slow path")


if __name__ == "__main__":
    main()
