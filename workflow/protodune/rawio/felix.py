"""FELIX readout: WIB frames of artdaq fragments to ADC (dune-raw-data, FelixFormat.hh).

A frame has 468 bytes, 117 little-endian 32-bit words: 4 words of WIB header, 4 COLDATA blocks of 28 words (4 header words
and 8 segments of 3 words), 1 CRC word.  It holds one tick of 256 channels, the two front-end boards of a fibre.  Time stamps
count a 50 MHz clock, 25 per tick.  RCE payloads are packed by firmware and need dune-raw-data's unpacker upstream.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protodune.core.errors import ProtoduneError

FRAME_BYTES = 468
FRAME_CHANNELS = 256
CLOCK_PER_TICK = 25
_WORDS = FRAME_BYTES // 4
_BLOCKS, _BLOCK_WORDS, _BLOCK_HEAD, _SEGMENTS = 4, 28, 4, 8
_HEADER_WORDS = 4


@dataclass
class FelixData:
    """Frames of one fibre: ``adc`` uint16 (ticks, 256), ``timestamp`` uint64 (ticks,), crate, slot, fibre, and the number of
    frames whose time stamp is not 25 after the one before."""

    adc: np.ndarray
    timestamp: np.ndarray
    crate: int
    slot: int
    fiber: int
    gaps: int


def decode_frames(payload: bytes, where: str) -> FelixData:
    """Decode a FELIX payload, a sequence of WIB frames of one fibre."""
    if len(payload) == 0 or len(payload) % FRAME_BYTES:
        raise ProtoduneError(
            f"{where}: a payload of {len(payload)} bytes, expected a multiple of {FRAME_BYTES} (WIB frames); "
            "for RCE payloads run dune-raw-data's decoder upstream and give its raw::RawDigit file"
        )
    words = np.frombuffer(payload, "<u4").reshape(-1, _WORDS)
    # First word: start of frame 8 bits, version 5, fibre 3, crate 5, slot 3, reserved 8.
    identity = np.unique(words[:, 0] & 0xFFE000)
    if len(identity) > 1:
        raise ProtoduneError(f"{where}: frames of {len(identity)} different fibres, expected one; split the fragments")
    head = int(words[0, 0])
    timestamp = words[:, 2].astype(np.uint64) | ((words[:, 3] & 0xFFFF).astype(np.uint64) << np.uint64(32))
    blocks = words[:, _HEADER_WORDS : _HEADER_WORDS + _BLOCKS * _BLOCK_WORDS].reshape(-1, _BLOCKS, _BLOCK_WORDS)
    segments = np.ascontiguousarray(blocks[:, :, _BLOCK_HEAD:]).view(np.uint8).reshape(-1, _BLOCKS, _SEGMENTS, 6, 2)
    # Bytes of the two ADCs of a pair alternate; six bytes of an ADC hold four channels of 12 bits.
    pairs = segments.astype(np.uint16).transpose(0, 1, 2, 4, 3)
    low, mid, high = pairs[..., 0::3], pairs[..., 1::3], pairs[..., 2::3]
    even, odd = low | (mid & 0xF) << 8, mid >> 4 | high << 4
    four = np.stack([even[..., 0], odd[..., 0], even[..., 1], odd[..., 1]], axis=-1)
    # Segment = 2 (adc // 2) + ch // 4, so (pair, half, adc in pair, channel in half) -> adc, channel.
    adc = four.reshape(-1, _BLOCKS, _SEGMENTS // 2, 2, 2, 4).transpose(0, 1, 2, 4, 3, 5).reshape(-1, FRAME_CHANNELS)
    gaps = int(np.count_nonzero(np.diff(timestamp.astype(np.int64)) != CLOCK_PER_TICK))
    return FelixData(adc, timestamp, crate=head >> 16 & 31, slot=head >> 21 & 7, fiber=head >> 13 & 7, gaps=gaps)


def encode_frames(data: FelixData) -> bytes:
    """Encode frames; the inverse of ``decode_frames`` (header fields beside the ids and the CRC are zero)."""
    ticks = len(data.adc)
    four = data.adc.astype(np.uint16).reshape(ticks, _BLOCKS, _SEGMENTS // 2, 2, 2, 4).transpose(0, 1, 2, 4, 3, 5)
    four = four.reshape(ticks, _BLOCKS, _SEGMENTS, 2, 2, 2)  # block, segment, ADC of the pair, pair of channels, channel
    even, odd = four[..., 0], four[..., 1]
    packed = np.stack([even & 0xFF, (even >> 8) | (odd & 0xF) << 4, odd >> 4], axis=-1).astype(np.uint8)
    pairs = packed.reshape(ticks, _BLOCKS, _SEGMENTS, 2, 6).transpose(0, 1, 2, 4, 3)
    words = np.zeros((ticks, _WORDS), "<u4")
    body = np.ascontiguousarray(pairs).reshape(ticks, _BLOCKS, -1).view("<u4")
    blocks = words[:, _HEADER_WORDS : _HEADER_WORDS + _BLOCKS * _BLOCK_WORDS].reshape(ticks, _BLOCKS, _BLOCK_WORDS)
    blocks[:, :, _BLOCK_HEAD:] = body
    words[:, _HEADER_WORDS : _HEADER_WORDS + _BLOCKS * _BLOCK_WORDS] = blocks.reshape(ticks, -1)
    words[:, 0] = data.fiber << 13 | data.crate << 16 | data.slot << 21
    words[:, 2] = (data.timestamp & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    words[:, 3] = (data.timestamp >> np.uint64(32)).astype(np.uint32) & 0xFFFF
    return words.tobytes()
