"""How fast raw digits leave an art file: against zlib alone on the same baskets and uproot's awkward ``.array()``.

    python benchmarks/read_art.py FILE.root [FILE.root ...] [--repeat 15] [--json out.json]

Files of split level 99 with uncompressed digits; the same digits are tried as split level 1, from memory.  Each speed is the
median over the repeats, contestants interleaved, in MB/s of int16 values.  Extra memory is the peak of what is allocated
while one event is read, by tracemalloc (numpy included).  As in the stage convert, freed memory is kept, for everybody.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import uproot

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from protodune.core.memory import keep_freed_memory
from protodune.rawio.art import ArtSource
from protodune.rawio.art_bytes import decode_digits, decode_sim_channels
from protodune.rawio.baskets import inflate_blocks
from protodune.rawio.digits import sorting_order, stack_digits

ONE, TWO, ZLIB, AWKWARD = "protodune, 1 thread", "protodune, 2 threads", "zlib alone", "uproot .array()"
BLOCK = 0xFFFFFF


def digit_source(path: str, threads: int) -> ArtSource:
    """The file's digits without its SimChannels: what is timed are the waveforms."""
    source = ArtSource(path, uproot.open(path), threads=threads)
    source._sim = source._time = None
    return source


def streams_of(blocks: bytes) -> list[bytes]:
    """The zlib streams of a run of ROOT's compressed blocks."""
    streams, at = [], 0
    while at < len(blocks):
        size = int.from_bytes(blocks[at + 3 : at + 6], "little")
        streams.append(blocks[at + 9 : at + 9 + size])
        at += 9 + size
    return streams


def timed(actions: dict[str, Callable[[], object]], repeat: int, size: int) -> dict:
    """Speeds of all actions and the ratios that the bars are about."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(repeat):
        for name, action in actions.items():
            start = time.perf_counter()
            action()
            times[name].append(time.perf_counter() - start)
    speeds = {name: size / statistics.median(values) / 1e6 for name, values in times.items()}
    found = {"MB/s": speeds, "of zlib alone": speeds[ONE] / speeds[ZLIB], "two threads / one": speeds[TWO] / speeds[ONE]}
    return found | ({"of uproot .array()": speeds[ONE] / speeds[AWKWARD]} if AWKWARD in speeds else {})


def measure_file(path: str, repeat: int) -> dict:
    """Read the file as it is."""
    product = digit_source(path, 1)._digits
    branch = product._branches["fADC"]
    streams = []
    for number in range(branch.num_baskets):
        key, raw = branch.basket_key(number), branch.basket_chunk_cursor(number)[0].raw_data.tobytes()
        streams += streams_of(raw[key.fKeylen : key.fNbytes])
    leaf = f"{product.name}/{product.name}obj/{product.name}obj.fADC"

    def read(threads: int) -> int:
        source = digit_source(path, threads)
        return sum(source.read(index).adc.nbytes for index in range(len(source)))

    size = read(1)
    actions = {
        ZLIB: lambda: [zlib.decompress(s) for s in streams],
        ONE: lambda: read(1),
        TWO: lambda: read(2),
        AWKWARD: lambda: uproot.open(path)["Events"][leaf].array(),
    }
    result = {"file": Path(path).name, "split": product.split, "MB": size / 1e6, **timed(actions, repeat, size)}
    tracemalloc.start()
    read(1)
    result["extra memory / size"] = tracemalloc.get_traced_memory()[1] / size
    tracemalloc.stop()
    return result


def measure_split1(path: str, repeat: int) -> dict:
    """The first event's digits as one unsplit vector, packed as ROOT does: unpack, decode and sort, from memory."""
    event = digit_source(path, 1).read(0)
    n, ticks = event.adc.shape
    order = np.random.default_rng(1).permutation(n)
    table = np.empty((n, ticks + 2), ">i2")
    table[:, :2] = np.full(n, ticks, ">u4").view(">i2").reshape(n, 2)
    table[:, 2:] = event.adc[order]
    members = ((event.channel[order], ">u4"), (np.full(n, ticks), ">u8"), (event.pedestal[order], ">f4"))
    members += ((np.zeros(n), ">f4"), (np.zeros(n), ">i4"))
    head = b"".join(np.array(v, k).tobytes() for v, k in (([0x40000000], ">u4"), ([0x4009, 15], ">u2"), ([n], ">u4")))
    plain = head + bytes(6) + table.tobytes() + b"".join(values.astype(kind).tobytes() for values, kind in members)
    packed = b""
    for start in range(0, len(plain), BLOCK):
        part = plain[start : start + BLOCK]
        stream = zlib.compress(part, 7)
        packed += b"ZL\x08" + len(stream).to_bytes(3, "little") + len(part).to_bytes(3, "little") + stream
    data, streams = np.frombuffer(packed, np.uint8), streams_of(packed)

    def read(threads: int) -> np.ndarray:
        digits = decode_digits(inflate_blocks(data, len(plain), threads), path)
        return stack_digits(digits.waveforms, sorting_order(digits.channel, path), threads)[0]

    if not np.array_equal(read(1), event.adc):
        raise SystemExit("read_art: the digits as split level 1 are not those of the file")
    actions = {ZLIB: lambda: [zlib.decompress(s) for s in streams], ONE: lambda: read(1), TWO: lambda: read(2)}
    return {"file": f"{Path(path).name}, from memory", "split": 1, **timed(actions, repeat, event.adc.nbytes)}


def measure_charge(path: str, repeat: int) -> dict | None:
    """Time to decode the SimChannels of the first event."""
    product = ArtSource(path, uproot.open(path))._sim
    if product is None:
        return None
    data, channel = product.bytes(0, "fTDCIDEs"), product.bytes(0, "fChannel").view(">u4")
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        table = decode_sim_channels(data, path, channel)
        times.append(time.perf_counter() - start)
    # Each IDE takes 24 bytes (28 in newer files), each tick 6 beside them.
    seconds, ides = statistics.median(times), (len(data) - 6 * len(table.tick)) // 24
    result = {"file": Path(path).name, "ticks": len(table.tick), "IDEs, about": ides, "s": seconds}
    return {**result, "s / 100,000 IDEs": seconds / ides * 1e5}


def main() -> None:
    """Print the measurements, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--json")
    args = parser.parse_args()
    keep_freed_memory()
    results = [m(path, args.repeat) for path in args.files for m in (measure_file, measure_split1, measure_charge)]
    text = json.dumps([r for r in results if r], indent=1)
    print(text)
    if args.json:
        Path(args.json).write_text(text + "\n")


if __name__ == "__main__":
    main()
