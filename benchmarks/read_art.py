"""How fast raw digits leave an art file: against zlib alone on the same baskets and uproot's awkward ``.array()``.

    python benchmarks/read_art.py FILE.root [FILE.root ...] [--repeat 7] [--json out.json]

Files of split level 99 or 1 with uncompressed digits; each figure is the median over the repeats, interleaved, in MB/s
of int16 samples.  Extra memory is the peak of what is allocated while one event is read, by tracemalloc (numpy included).
As the stage convert does, freed memory is kept, for all contestants.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import tracemalloc
import zlib
from pathlib import Path

import uproot

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from protodune.memory import keep_freed_memory
from protodune.rawio.art import ArtSource, Product
from protodune.rawio.art_bytes import decode_sim_channels


def digit_source(path: str, threads: int) -> ArtSource:
    """The file's digits without its SimChannels: what is timed are the samples."""
    source = ArtSource(path, uproot.open(path), threads=threads)
    source._sim = source._time = None
    return source


def blocks_of(product: Product) -> list[bytes]:
    """The zlib streams of the baskets that hold the samples."""
    branch = product._branches["fADC" if product.split == 99 else "obj"]
    streams = []
    for number in range(branch.num_baskets):
        key, raw = branch.basket_key(number), branch.basket_chunk_cursor(number)[0].raw_data.tobytes()
        at = key.fKeylen
        while at < key.fNbytes:
            size = int.from_bytes(raw[at + 3 : at + 6], "little")
            streams.append(raw[at + 9 : at + 9 + size])
            at += 9 + size
    return streams


def measure(path: str, repeat: int) -> dict:
    """All measurements of one file."""
    product = digit_source(path, 1)._digits
    streams = blocks_of(product)
    size = sum(digit_source(path, 1).read(i).adc.nbytes for i in range(len(digit_source(path, 1))))

    def read(threads: int) -> None:
        source = digit_source(path, threads)
        for index in range(len(source)):
            source.read(index)

    def awkward() -> None:
        uproot.open(path)["Events"][f"{product.name}/{product.name}obj/{product.name}obj.fADC"].array()

    actions = {
        "zlib alone": lambda: [zlib.decompress(s) for s in streams],
        "protodune, 1 thread": lambda: read(1),
        "protodune, 2 threads": lambda: read(2),
    }
    if product.split == 99:
        actions["uproot .array()"] = awkward
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(repeat):
        for name, action in actions.items():
            start = time.perf_counter()
            action()
            times[name].append(time.perf_counter() - start)
    speeds = {name: size / statistics.median(values) / 1e6 for name, values in times.items()}
    tracemalloc.start()
    read(1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    result = {
        "file": Path(path).name,
        "split": product.split,
        "MB": size / 1e6,
        "MB/s": speeds,
        "extra memory / size": peak / size,
    }
    result["of zlib alone"] = speeds["protodune, 1 thread"] / speeds["zlib alone"]
    result["two threads / one"] = speeds["protodune, 2 threads"] / speeds["protodune, 1 thread"]
    if "uproot .array()" in speeds:
        result["of uproot .array()"] = speeds["protodune, 1 thread"] / speeds["uproot .array()"]
    return result


def measure_charge(path: str, repeat: int) -> dict | None:
    """Time to decode the SimChannels of the first event."""
    source = ArtSource(path, uproot.open(path))
    product = source._sim
    if product is None or product.split != 99:
        return None
    data, channel = product.bytes(0, "fTDCIDEs"), product.bytes(0, "fChannel").view(">u4")
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        table = decode_sim_channels(data, path, channel)
        times.append(time.perf_counter() - start)
    # Each IDE takes 24 or 28 bytes; ticks and headers are few.
    seconds, ides = statistics.median(times), (len(data) - 6 * len(table.tick)) // 24
    return {
        "file": Path(path).name,
        "ticks": len(table.tick),
        "IDEs, about": ides,
        "s": seconds,
        "s / 100,000 IDEs": seconds / ides * 1e5,
    }


def main() -> None:
    """Print the measurements, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--json")
    args = parser.parse_args()
    keep_freed_memory()
    results = [measure(path, args.repeat) for path in args.files]
    results += [r for path in args.files if (r := measure_charge(path, args.repeat))]
    print(json.dumps(results, indent=1))
    if args.json:
        Path(args.json).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
