"""LArSoft's compression of raw digits, bit for bit as raw::Uncompress and raw::Compress (lardataobj, raw.cxx).

``decode_event`` unpacks the digits of an event; the encoders are the inverses and serve tests and exports.
Formats: docs/data_format.md, section Codecs.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from protodune.core.errors import ProtoduneError

NONE, HUFFMAN, ZERO_SUPPRESSION, ZERO_HUFFMAN, DYNAMIC, FIBONACCI = range(6)
NAMES = ("kNone", "kHuffman", "kZeroSuppression", "kZeroHuffman", "kDynamicDec", "kFibonacci")

_HUFFMAN_STEPS = (None, 0, 1, -1, 2, -2, 3, -3)  # by number of zeros before the one; the first means four times 0
_DIGITS_TOGETHER = 32
"""Huffman digits unpacked in one go: enough to forget Python's overhead, few enough for the processor's cache."""
MAX_TICKS = 2**20
"""A digit that claims more values is damaged: readouts have thousands."""


def decode(words: np.ndarray, codec: int, n_ticks: int, where: str, pedestal: int = 0) -> np.ndarray:
    """Unpack one digit: int16 words to int16 values (n_ticks,).

    ``pedestal`` counts for zero suppression only: values outside the blocks become the pedestal (raw::Uncompress with a
    pedestal); 0 is raw::Uncompress without one.
    """
    return decode_event([words], np.array([codec]), np.array([n_ticks]), where, np.array([pedestal]))[0]


def decode_event(
    words: list[np.ndarray] | np.ndarray,
    codec: np.ndarray,
    n_ticks: np.ndarray,
    where: str,
    pedestal: np.ndarray | None = None,
) -> list[np.ndarray]:
    """Unpack all digits of an event; see ``decode``.  Huffman digits are unpacked together."""
    out: list[np.ndarray] = [
        np.asarray(w).astype(np.int16) if c == NONE else None for w, c in zip(words, codec, strict=True)
    ]
    unknown = set(np.unique(codec).tolist()) - {NONE, HUFFMAN, ZERO_SUPPRESSION, ZERO_HUFFMAN, FIBONACCI}
    if unknown:
        number = unknown.pop()
        name = NAMES[number] if 0 <= number < len(NAMES) else f"number {number}"
        raise ProtoduneError(f"{where}: compression {name}, which has no decoder in LArSoft either; unpack it upstream")
    if len(n_ticks) and int(np.max(n_ticks)) > MAX_TICKS:
        raise ProtoduneError(f"{where}: a digit claims {int(np.max(n_ticks))} values, expected at most {MAX_TICKS}")
    huffman = np.flatnonzero((codec == HUFFMAN) | (codec == ZERO_HUFFMAN))
    for start in range(0, len(huffman), _DIGITS_TOGETHER):
        part = huffman[start : start + _DIGITS_TOGETHER].tolist()
        for i, unpacked in zip(part, _huffman([np.asarray(words[i]) for i in part], where), strict=True):
            out[i] = unpacked
    for i in np.flatnonzero(codec == FIBONACCI).tolist():
        out[i] = _fibonacci(np.asarray(words[i]), where)
    for i in np.flatnonzero((codec == ZERO_SUPPRESSION) | (codec == ZERO_HUFFMAN)).tolist():
        packed = out[i] if codec[i] == ZERO_HUFFMAN else np.asarray(words[i]).astype(np.int16)
        out[i] = _zero_unsuppress(packed, where, 0 if pedestal is None else int(pedestal[i]))
    for i in np.flatnonzero(codec != NONE).tolist():
        if len(out[i]) != n_ticks[i]:
            raise ProtoduneError(
                f"{where}: digit {i} ({NAMES[codec[i]]}) unpacks to {len(out[i])} values, fSamples says {n_ticks[i]}; "
                "the file is damaged"
            )
    return out


@lru_cache(maxsize=1)
def _huffman_table() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Tables over the 15 low bits of a difference word: number of values, sum of differences, validity, and the running
    sums of all words in one array, a zero last, with the offset of each word."""
    counts, totals, valid, runs = np.zeros(32768, np.int32), np.zeros(32768, np.int32), np.ones(32768, bool), []
    for bits in range(32768):
        zeros, steps = 0, []
        for position in range(14, -1, -1):
            if not bits >> position & 1:
                zeros += 1
            elif zeros < len(_HUFFMAN_STEPS):
                steps += [0, 0, 0, 0] if zeros == 0 else [_HUFFMAN_STEPS[zeros]]
                zeros = 0
            else:
                valid[bits] = False
                break
        counts[bits], totals[bits] = len(steps), sum(steps)
        runs.append(np.cumsum(steps, dtype=np.int32) if steps else np.zeros(0, np.int32))
    return (
        counts,
        totals,
        valid,
        np.concatenate([*runs, [0]]).astype(np.int32),
        (np.cumsum(counts) - counts).astype(np.int32),
    )


def _huffman(digits: list[np.ndarray], where: str) -> list[np.ndarray]:
    """Unpack Huffman digits together: literals set the value, difference words add the running sums of a table."""
    counts, totals, valid, runs, offsets = _huffman_table()
    lengths = np.array([len(d) for d in digits], dtype=np.int64)
    filled = lengths > 0
    if not filled.any():
        return [np.zeros(0, np.int16) for _ in digits]
    words = np.concatenate(digits).astype(np.int16).view(np.uint16).astype(np.int32)
    is_first = np.zeros(len(words), bool)
    is_first[(np.cumsum(lengths) - lengths)[filled]] = True
    difference = (words & 0x8000 != 0) & ~is_first
    low = np.where(difference, words & 0x7FFF, 0)
    if not valid[low].all():
        raise ProtoduneError(f"{where}: a Huffman word holds no code; the file is damaged")
    literal = np.where(words & 0x4000, -(words & 0x3FFF), words & 0x3FFF)
    literal = np.where(is_first, words - ((words & 0x8000) << 1), literal)  # the first value is a plain int16
    # Value before each difference word: the last literal plus all differences since.
    step = np.where(difference, totals[low], 0)
    moved = np.cumsum(step, dtype=np.int32)
    last = np.maximum.accumulate(np.where(difference, 0, np.arange(len(words), dtype=np.int32)))
    base = np.where(difference, literal[last] + moved - moved[last] - step, literal)
    # A literal is one value of running sum 0, which the table holds last.
    n_out = np.where(difference, counts[low], 1)
    first_run = np.where(difference, offsets[low], len(runs) - 1)
    shift = first_run - (np.cumsum(n_out) - n_out)
    at = np.repeat(shift.astype(np.int32), n_out)
    at += np.arange(len(at), dtype=np.int32)
    values = np.repeat(base, n_out)
    values += runs[at]
    ends = np.cumsum(n_out)[np.cumsum(lengths[filled]) - 1]
    parts = iter(np.split(values.astype(np.int16), ends[:-1]))
    return [next(parts) if length else np.zeros(0, np.int16) for length in lengths]


def _zero_unsuppress(packed: np.ndarray, where: str, pedestal: int) -> np.ndarray:
    """Unpack [values, blocks, begin of each, size of each, values of the blocks], all int16."""
    if len(packed) == 0:
        return np.zeros(0, np.int16)
    n, n_blocks = int(packed[0]), int(packed[1]) if len(packed) > 1 else -1
    if n < 0 or n_blocks < 0 or 2 + 2 * n_blocks > len(packed):
        raise ProtoduneError(f"{where}: zero suppression of {n} values in {n_blocks} blocks; the file is damaged")
    begin, size = (packed[2 + k * n_blocks : 2 + (k + 1) * n_blocks].astype(np.int64) for k in (0, 1))
    body = packed[2 + 2 * n_blocks :]
    if n_blocks and (begin.min() < 0 or size.min() < 0 or (begin + size).max() > n or size.sum() > len(body)):
        raise ProtoduneError(f"{where}: zero-suppressed blocks reach beyond {n} values; the file is damaged")
    values = np.full(n, pedestal, np.int16)
    at = np.repeat(begin - (np.cumsum(size) - size), size) + np.arange(int(size.sum()))
    values[at] = body[: int(size.sum())]
    return values


@lru_cache(maxsize=1)
def _fibonacci_numbers() -> np.ndarray:
    """1, 2, 3, 5, ... up to what a 17-bit difference can need."""
    numbers = [1, 2]
    while numbers[-1] < 2**20:
        numbers.append(numbers[-1] + numbers[-2])
    return np.array(numbers, dtype=np.int64)


def _fibonacci(words: np.ndarray, where: str) -> np.ndarray:
    """Unpack [n >> 15, n & 0x7FFF, first value, bits]: differences as Fibonacci codes, each ended by two ones.

    In a run of ones every second one ends a code, since no code holds two neighbouring ones but at its end.
    """
    if len(words) < 3:
        raise ProtoduneError(f"{where}: a Fibonacci digit of {len(words)} words, expected at least 3; the file is damaged")
    words = words.astype(np.int16)
    n = (int(words[0]) << 15) + int(words[1])
    if not 1 <= n <= MAX_TICKS:
        raise ProtoduneError(f"{where}: a Fibonacci digit claims {n} values; the file is damaged")
    bits = np.unpackbits(words[3:].astype("<i2").view(np.uint8), bitorder="little")
    index = np.arange(len(bits))
    last_zero = np.maximum.accumulate(np.where(bits == 0, index, -1)) if len(bits) else index
    ends = np.flatnonzero((bits == 1) & ((index - last_zero) % 2 == 0))[: n - 1]
    if len(ends) < n - 1:
        raise ProtoduneError(f"{where}: a Fibonacci digit holds {len(ends)} of {n - 1} differences; the file is damaged")
    if n == 1:
        return words[2:3]
    starts = np.concatenate([[0], ends[:-1] + 1])
    length = int(ends[-1]) + 1
    within = np.arange(length) - np.repeat(starts, ends - starts + 1)
    numbers = _fibonacci_numbers()
    if within.max() > len(numbers):
        raise ProtoduneError(f"{where}: a Fibonacci code of {int(within.max())} bits; the file is damaged")
    value = bits[:length] * numbers[np.minimum(within, len(numbers) - 1)]
    value[ends] = 0
    code = np.add.reduceat(value, starts)
    steps = np.where(code % 2 == 0, code // 2, -(code // 2))
    return (int(words[2]) + np.concatenate([[0], np.cumsum(steps)])).astype(np.int16)


def encode_huffman(values: np.ndarray) -> np.ndarray:
    """Pack values as raw::CompressHuffman: int16 (n,), |literal| below 2^14, to int16 words."""
    values = [int(s) for s in values]
    if not values:
        return np.zeros(0, np.int16)
    words, current, used = [values[0] & 0xFFFF], 0, 0
    zeros_of = {step: zeros for zeros, step in enumerate(_HUFFMAN_STEPS) if step is not None}
    at, n = 1, len(values)

    def flush() -> None:
        nonlocal current, used
        words.append(0x8000 | current)
        current = used = 0

    started = False
    while at < n:
        step = values[at] - values[at - 1]
        if abs(step) > 3:
            if started:
                flush()
            started = False
            value = values[at]
            words.append((abs(value) & 0x3FFF) | (0x4000 if value <= 0 else 0))
            at += 1
            continue
        four = at < n - 3 and all(values[at + k] == values[at - 1] for k in range(4))
        zeros = 0 if four else zeros_of[step]
        if used + zeros + 1 > 15:
            flush()
        current |= 1 << (14 - used - zeros)
        used += zeros + 1
        started = True
        at += 4 if four else 1
    flush()  # LArSoft always writes the last word, even an empty one
    return np.array(words, dtype=np.uint16).view(np.int16)


def encode_zero_suppression(values: np.ndarray, threshold: int = 5, neighbours: int = 3) -> np.ndarray:
    """Pack what exceeds ``threshold`` in size, blocks widened by ``neighbours`` values: int16 (n,) to int16 words."""
    values = np.asarray(values, dtype=np.int16)
    keep = np.zeros(len(values) + 2, bool)
    for at in np.flatnonzero(np.abs(values.astype(np.int64)) > threshold):
        keep[max(0, at - neighbours) + 1 : min(len(values), at + neighbours + 1) + 1] = True
    edges = np.flatnonzero(np.diff(keep.astype(np.int8)))
    begin, end = edges[::2], edges[1::2]
    return np.concatenate([[len(values), len(begin)], begin, end - begin, values[keep[1:-1]]]).astype(np.int16)


def encode_zero_huffman(values: np.ndarray, threshold: int = 5, neighbours: int = 3) -> np.ndarray:
    """Pack by zero suppression, then Huffman."""
    return encode_huffman(encode_zero_suppression(values, threshold, neighbours))


def encode_fibonacci(values: np.ndarray) -> np.ndarray:
    """Pack values as raw::CompressFibonacci: int16 (n,), n at least 1, to int16 words."""
    values = np.asarray(values, dtype=np.int64)
    numbers = _fibonacci_numbers()
    bits: list[int] = []
    for step in np.diff(values).tolist():
        rest = 2 * step if step > 0 else -2 * step + 1
        top = int(np.searchsorted(numbers, rest, side="right")) - 1
        code = [0] * (top + 1)
        for k in range(top, -1, -1):
            if numbers[k] <= rest:
                code[k] = 1
                rest -= int(numbers[k])
        bits += [*code, 1]
    bits += [0] * (-len(bits) % 16)
    packed = np.packbits(np.array(bits, dtype=np.uint8), bitorder="little").view("<i2") if bits else np.zeros(0, np.int16)
    head = np.array([len(values) >> 15, len(values) & 0x7FFF, values[0]])
    return np.concatenate([head, packed]).astype(np.int16)
