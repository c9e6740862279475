"""Read thousands of mutated files: nothing but the reader's own error, no gigabytes, no hang.

    python benchmarks/fuzz_art.py --count 10000 [--first 0] [--seconds 600]

Seeds are the art files of tests/data; mutation k depends on k alone: --first k --count 1 repeats a failure.
"""

from __future__ import annotations

import argparse
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from protodune.core.errors import ProtoduneError
from protodune.rawio.source import open_raw

ROOT = Path(__file__).resolve().parents[1]
SEEDS = ("art_detsim_small", "art_split1_2022", "art_nosplit", "art_zs_huffman", "art_decoder_data")
MAX_SECONDS = 10
MAX_BYTES = 2**30
_COUNTS = (0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x40000000, 0x01000000, 0x00010000)


def mutate(data: bytes, number: int) -> bytes:
    """Return mutation ``number`` of a file: flipped bytes, overwritten counts, holes, cut ends, moved pieces."""
    rng = np.random.default_rng(number)
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        kind, at = int(rng.integers(0, 6)), int(rng.integers(4, len(out) - 8))
        if kind == 0:
            out[at] = int(rng.integers(0, 256))
        elif kind == 1:
            out[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 2:
            out[at : at + 4] = int(rng.choice(_COUNTS)).to_bytes(4, "big")
        elif kind == 3:
            size = int(rng.integers(1, 200))
            out[at : at + size] = bytes(len(out[at : at + size]))
        elif kind == 4:
            del out[int(rng.integers(len(out) // 8, len(out))) :]
        else:
            size, other = int(rng.integers(1, 200)), int(rng.integers(4, len(out) - 8))
            out[at : at + size] = out[other : other + len(out[at : at + size])]
        if len(out) < 32:
            break
    return bytes(out)


def read_all(path: str, tag: str | None) -> str:
    """Read every event; return ok, or refused with the reader's own error."""
    try:
        source = open_raw(path, tag)
        for index in range(min(len(source), 10)):
            source.read(index)
    except ProtoduneError:
        return "refused"
    return "ok"


class TooLong(BaseException):
    """A file took more than MAX_SECONDS; no handler for Exception may swallow it."""


def _alarm(*_) -> None:
    raise TooLong


def fuzz(first: int, count: int, seconds: float) -> dict[str, int]:
    """Run mutations; raise on the first that does anything but reading or refusing."""
    limit = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + MAX_BYTES
    results: dict[str, int] = {}
    seeds = [(ROOT / "tests" / "data" / f"{name}.root").read_bytes() for name in SEEDS]
    signal.signal(signal.SIGALRM, _alarm)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutated.root"
        for number in range(first, first + count):
            if time.monotonic() - started > seconds:
                break
            which = number % len(SEEDS)
            path.write_bytes(mutate(seeds[which], number))
            signal.alarm(MAX_SECONDS)
            try:
                result = read_all(str(path), "daqzh" if SEEDS[which] == "art_zs_huffman" else None)
            except BaseException as error:
                raise AssertionError(f"mutation {number} of {SEEDS[which]}: {type(error).__name__}: {error}") from error
            finally:
                signal.alarm(0)
            results[result] = results.get(result, 0) + 1
            if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > limit:
                raise AssertionError(f"mutation {number} of {SEEDS[which]}: took more than {MAX_BYTES} bytes")
    return results


def main() -> None:
    """Print how many were read and refused."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--seconds", type=float, default=600)
    args = parser.parse_args()
    started = time.monotonic()
    results = fuzz(args.first, args.count, args.seconds)
    print(f"{sum(results.values())} files in {time.monotonic() - started:.0f} s: {results}")


if __name__ == "__main__":
    main()
