"""Read thousands of mutated files: nothing but the reader's own error, no gigabytes, no hang, no wrong number.

    python benchmarks/fuzz_art.py --count 100000 [--first 0] [--seconds 600]

Seeds are the art files of tests/data, one of them as a noise-off partner, a flat file, a DUNEdn dump with its charge, and
FELIX frames; mutation k depends on k alone: --first k --count 1 repeats a failure.  Beside flipped bytes and overwritten
counts there are baskets in the place of others, changed keys of baskets and changed tables of the tree (the record of a tree
is unpacked, changed and packed again).

A file that is read and gives other numbers than before is *wrong*, unless only bytes were changed that the file says once:
payloads that are stored without compression have no checksum, and a stream of FELIX frames does not say how many there
are.  So those bytes are mended, and the file is read again; what is wrong then is an error of the reader.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import resource
import signal
import struct
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import uproot

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from protodune.core.errors import ProtoduneError
from protodune.detector.registry import DEFAULT, find_detector
from protodune.events.types import PARTICLE_DTYPE, ChargeTable, RawEvent
from protodune.rawio.baskets import BasketKey, inflate_blocks
from protodune.rawio.conversion import ConvertSettings, Reading
from protodune.rawio.felix import FelixData, decode_frames, encode_frames
from protodune.rawio.flat import write_flat
from protodune.rawio.source import open_raw

ROOT = Path(__file__).resolve().parents[1]
ART = ("art_detsim_small", "art_split1_2022", "art_nosplit", "art_zs_huffman", "art_decoder_data")
MAX_SECONDS = 10
MAX_BYTES = 2**30
_COUNTS = (0, 1, 2, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x40000000, 0x01000000, 0x00010000, 500_000_000)
_KEY_HEAD = 34  # sizes, version, cycle and positions of a key


@dataclass
class Seed:
    """A file to damage: its bytes, how it is read (a path to the arrays of its events), and, of a ROOT file, where baskets
    lie (begin, end) and which bytes are stored once; ``uncounted``: nothing in the file says how long it is."""

    name: str
    data: bytes
    suffix: str
    read: Callable[[Path], list[np.ndarray]]
    beside: dict[str, bytes] = field(default_factory=dict)
    baskets: list[tuple[int, int]] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    once: np.ndarray | None = None
    uncounted: bool = False

    def __post_init__(self):
        self.once = np.zeros(len(self.data), bool)
        if self.suffix == ".root":
            self._find_baskets()

    def _find_baskets(self) -> None:
        with uproot.open(io.BytesIO(self.data)) as file:
            self.trees = [_record(file, key) for key, kind in file.classnames(recursive=False).items() if kind == "TTree"]
            for name, kind in file.classnames(recursive=False).items():
                for branch in file[name].itervalues(recursive=True) if kind == "TTree" else ():
                    for start in branch.member("fBasketSeek")[: branch._num_normal_baskets].tolist():
                        key = BasketKey.of(np.frombuffer(self.data, np.uint8)[start:])
                        self.baskets.append((start, start + key.n_bytes))
                        if key.n_bytes - key.n_key == key.n_object:
                            self.once[start + key.n_key : start + key.n_bytes] = True


def _record(file, name: str) -> tuple[int, int, int]:
    """(begin of the packed bytes, their end, size unpacked) of a top-level object."""
    key = file.key(name)
    return key.fSeekKey + key.fKeylen, key.fSeekKey + key.fNbytes, key.fObjlen


def events_of(path: Path, tag: str | None = None, partner: Path | None = None) -> list[np.ndarray]:
    """All arrays of the first ten events."""
    source = open_raw(str(path), tag)
    if partner is not None:
        settings = ConvertSettings("fuzz", "simulation", tag)
        events = Reading(source, open_raw(str(partner), tag), find_detector(DEFAULT), settings).events()
    else:
        events = (source.read(index) for index in range(min(len(source), 10)))
    arrays = []
    for event in events:
        arrays += [np.array([*event.event_id, event.timestamp]), event.channel, event.adc, event.n_ticks, event.pedestal]
        charge = event.charge and (event.charge.channel, event.charge.tick, event.charge.electrons, event.charge.track)
        arrays += [a for a in (event.clean, event.particles, *(charge or ())) if a is not None]
    return arrays


def digest(arrays: list[np.ndarray]) -> str:
    """One text for the numbers of a file."""
    found = hashlib.sha256()
    for a in arrays:
        found.update(f"{a.dtype.str}{a.shape}".encode() + np.ascontiguousarray(a).tobytes())
    return found.hexdigest()


def make_seeds() -> list[Seed]:
    """Art files, a partner, a flat file, a dump and frames."""
    content = {name: (ROOT / "tests" / "data" / f"{name}.root").read_bytes() for name in ART}
    tags = {"art_zs_huffman": "daqzh"}
    seeds = [Seed(name, data, ".root", partial(events_of, tag=tags.get(name))) for name, data in content.items()]
    noisy = ROOT / "tests" / "data" / "art_detsim_small.root"
    seeds.append(Seed("partner", content["art_detsim_small"], ".root", lambda p: events_of(noisy, partner=p)))
    rng = np.random.default_rng(1)
    events = [_small_event(rng, number, n_charges) for number, n_charges in ((1, 20), (2, 20), (3, 0))]
    with tempfile.TemporaryDirectory() as folder:
        write_flat(Path(folder) / "flat.root", events, 64, {"seed": 1})
        seeds.append(Seed("flat", (Path(folder) / "flat.root").read_bytes(), ".root", events_of))
    rows = np.concatenate([np.column_stack([np.full(40, e.event), e.channel, e.adc]) for e in events]).astype(np.int16)
    dump, charge = io.BytesIO(), io.BytesIO()
    np.save(dump, rows)
    np.save(charge, np.maximum(rows, 0).astype(np.int32))
    seeds.append(
        Seed("dump", dump.getvalue(), ".npy", events_of, beside={"simch_labels_evt.npy": charge.getvalue()}),
    )
    stamps = np.arange(20, dtype=np.uint64) * np.uint64(25)
    frames = encode_frames(FelixData(rng.integers(0, 4096, (20, 256)).astype(np.uint16), stamps, 3, 1, 2, 0))

    def read_frames(path: Path) -> list[np.ndarray]:
        found = decode_frames(path.read_bytes(), str(path))
        return [found.adc, found.timestamp]

    seeds.append(Seed("felix", frames, ".bin", read_frames))
    for seed in seeds:
        if seed.suffix == ".npy":
            seed.once[seed.data.index(b"\n") + 1 :] = True
        if seed.suffix == ".bin":
            seed.once[:], seed.uncounted = True, True
    return seeds


def _small_event(rng: np.random.Generator, number: int, n_charges: int) -> RawEvent:
    channel = np.arange(100, 140, dtype=np.uint32)
    adc = rng.integers(800, 1000, (40, 64)).astype(np.int16)
    charge = ChargeTable(
        channel[:n_charges],
        np.arange(n_charges, dtype=np.int32),
        np.full(n_charges, 5e3, np.float32),
        np.full(n_charges, 7, np.int32),
    )
    particles = np.zeros(3, PARTICLE_DTYPE)
    particles["id"], particles["kinetic_mev"] = (1, 2, 7), rng.random(3)
    pedestal = np.full(40, 900, np.float32)
    return RawEvent(
        1, 0, number, channel, adc, np.full(40, 64), pedestal, (adc - 900).astype(np.int16), charge, 0, particles
    )


def mutate(seed: Seed, number: int) -> bytes:
    """Return mutation ``number`` of a file: flipped bytes, overwritten counts, holes, cut ends, moved pieces; of a ROOT file
    also baskets in the place of others, keys of baskets, and the tables of its trees."""
    rng = np.random.default_rng(number)
    out = bytearray(seed.data)
    for _ in range(int(rng.integers(1, 4))):
        kinds = [_flip, _flip, _count, _hole, _cut, _move]
        if seed.baskets:
            kinds += [_swap, _key, _table, _table]
        kinds[int(rng.integers(0, len(kinds)))](seed, out, rng)
        if len(out) < 32:
            break
    return bytes(out)


def _place(out: bytearray, rng: np.random.Generator) -> int:
    return int(rng.integers(min(4, len(out) - 9), max(len(out) - 8, 5)))


def _flip(seed: Seed, out: bytearray, rng: np.random.Generator) -> None:
    at = _place(out, rng)
    out[at] = int(rng.integers(0, 256)) if rng.random() < 0.5 else out[at] ^ 1 << int(rng.integers(0, 8))


def _count(seed: Seed, out: bytearray, rng: np.random.Generator) -> None:
    at = _place(out, rng)
    out[at : at + 4] = int(rng.choice(_COUNTS)).to_bytes(4, "big")


def _hole(seed: Seed, out: bytearray, rng: np.random.Generator) -> None:
    at, size = _place(out, rng), int(rng.integers(1, 200))
    out[at : at + size] = bytes(len(out[at : at + size]))


def _cut(seed: Seed, out: bytearray, rng: np.random.Generator) -> None:
    del out[int(rng.integers(len(out) // 8, len(out))) :]


def _move(seed: Seed, out: bytearray, rng: np.random.Generator) -> None:
    at, other, size = _place(out, rng), _place(out, rng), int(rng.integers(1, 200))
    size = min(size, len(out) - max(at, other))
    out[at : at + size] = out[other : other + size]


def _swap(seed: Seed, out: bytearray, rng: np.random.Generator) -> None:
    """A basket, or its payload alone, over another one, or both exchanged."""
    a, b = (seed.baskets[int(i)] for i in rng.integers(0, len(seed.baskets), 2))
    size = min(a[1] - a[0], b[1] - b[0])
    first, second = out[a[0] : a[0] + size], out[b[0] : b[0] + size]
    if len(first) == len(second) == size:
        out[b[0] : b[0] + size] = first
        if rng.random() < 0.5:
            out[a[0] : a[0] + size] = second


def _key(seed: Seed, out: bytearray, rng: np.random.Generator) -> None:
    """A number in the key of a basket: in its head or in its end (entries, last)."""
    start, end = seed.baskets[int(rng.integers(0, len(seed.baskets)))]
    n_key = int.from_bytes(seed.data[start + 14 : start + 16], "big")
    at = start + (int(rng.integers(0, _KEY_HEAD)) if rng.random() < 0.5 else n_key - int(rng.integers(4, 19)))
    if at + 4 <= len(out) and at < end:
        (value,) = struct.unpack(">i", out[at : at + 4])
        new = value + int(rng.integers(-3, 4)) if rng.random() < 0.5 else int(rng.choice(_COUNTS))
        out[at : at + 4] = (new & 0xFFFFFFFF).to_bytes(4, "big")


def _table(seed: Seed, out: bytearray, rng: np.random.Generator) -> None:
    """Numbers in the unpacked record of a tree: entries, baskets, sizes, names."""
    begin, end, size = seed.trees[int(rng.integers(0, len(seed.trees)))]
    packed = np.frombuffer(bytes(out[begin:end]), np.uint8)
    try:
        plain = bytearray(inflate_blocks(packed, size).tobytes())
    except Exception:  # damaged by a mutation before this one
        return
    at = int(rng.integers(0, len(plain) - 8))
    kind = int(rng.integers(0, 4))
    if kind == 0:
        plain[at] ^= 1 << int(rng.integers(0, 8))
    elif kind == 1:
        plain[at : at + 4] = int(rng.choice(_COUNTS)).to_bytes(4, "big")
    elif kind == 2:  # a number of the file's own size: of entries, or a basket's position
        values = [3, *(start for start, _ in seed.baskets)]
        found = [i for i in range(len(plain) - 8) if plain[i] == 0 and int.from_bytes(plain[i : i + 8], "big") in values]
        if found:
            at = int(rng.choice(found))
            plain[at : at + 8] = int(rng.choice(values)).to_bytes(8, "big")
    else:
        other = int(rng.integers(0, len(plain) - 8))
        plain[at : at + 8], plain[other : other + 8] = plain[other : other + 8], plain[at : at + 8]
    if len(plain) == size:
        put_record(out, begin, end, bytes(plain))


def put_record(out: bytearray, begin: int, end: int, plain: bytes) -> bool:
    """Write the record of a tree, packed, in its old place; return whether it fitted."""
    again = zlib.compress(plain, 9)
    block = b"ZL\x08" + len(again).to_bytes(3, "little") + len(plain).to_bytes(3, "little") + again
    if fits := len(block) <= end - begin:
        out[begin : begin + len(block)] = block
    return fits


class TooLong(BaseException):
    """A file took more than MAX_SECONDS of the processor; no handler for Exception may swallow it."""


def _alarm(*_) -> None:
    raise TooLong


def attempt(seed: Seed, data: bytes, folder: Path) -> str:
    """Read a file; return ``refused``, or the digest of its numbers."""
    path = folder / ("rawdigit_evt" + seed.suffix)
    path.write_bytes(data)
    signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)  # of the processor, whatever else runs
    try:
        return digest(seed.read(path))
    except ProtoduneError:
        return "refused"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def judge(seed: Seed, number: int, truth: str, folder: Path) -> str:
    """Read mutation ``number``: ``same`` numbers, ``refused``, ``unseen`` (bytes that the file says once) or ``wrong``."""
    data = mutate(seed, number)
    found = attempt(seed, data, folder)
    if found in (truth, "refused"):
        return "same" if found == truth else "refused"
    mended, n = np.frombuffer(data, np.uint8).copy(), min(len(data), len(seed.data))
    once = np.flatnonzero(seed.once[:n])
    mended[once] = np.frombuffer(seed.data, np.uint8)[once]
    whole = mended.tobytes() + (seed.data[n:] if seed.uncounted else b"")
    return "unseen" if attempt(seed, whole, folder) in (truth, "refused") else "wrong"


def fuzz(first: int, count: int, seconds: float, progress: bool = False) -> dict[str, int]:
    """Run mutations; raise on the first that is wrong, or does anything but reading or refusing."""
    limit = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + MAX_BYTES
    results: Counter[str] = Counter()
    seeds = make_seeds()
    signal.signal(signal.SIGPROF, _alarm)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed in seeds:
            for other, data in seed.beside.items():
                (folder / other).write_bytes(data)
        truths = [attempt(seed, seed.data, folder) for seed in seeds]
        assert "refused" not in truths, [s.name for s, t in zip(seeds, truths, strict=True) if t == "refused"]
        for number in range(first, first + count):
            if time.monotonic() - started > seconds:
                break
            which = number % len(seeds)
            seed = seeds[which]
            try:
                result = judge(seed, number, truths[which], folder)
            except BaseException as error:
                raise AssertionError(f"mutation {number} of {seed.name}: {type(error).__name__}: {error}") from error
            if result == "wrong":
                raise AssertionError(f"mutation {number} of {seed.name}: read, with other numbers than the file had")
            results[result] += 1
            if (number - first) % 500 == 499:
                spoilt = [s.name for s, t in zip(seeds, truths, strict=True) if attempt(s, s.data, folder) != t]
                assert not spoilt, f"up to mutation {number}: after damaged files good ones are not read: {spoilt}"
            if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > limit:
                raise AssertionError(f"mutation {number} of {seed.name}: took more than {MAX_BYTES} bytes")
            if progress and (number - first) % 5000 == 4999:
                print(f"{number - first + 1} files, {time.monotonic() - started:.0f} s: {dict(results)}", flush=True)
    return dict(results)


def main() -> None:
    """Print how many were read and refused."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--seconds", type=float, default=600)
    args = parser.parse_args()
    started = time.monotonic()
    results = fuzz(args.first, args.count, args.seconds, progress=True)
    print(f"{sum(results.values())} files in {time.monotonic() - started:.0f} s: {results}")


if __name__ == "__main__":
    main()
