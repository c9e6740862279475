"""Planes as lossless pictures that a browser decodes: int16 counts, low bytes above high bytes, in an 8-bit PNG."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

OFFSET = 32768 + 128
"""Puts the counts around zero into the middle of a range of low bytes, so that the high bytes of noise are all the same."""
LARGEST = 65535 - OFFSET
"""Counts beyond this size are shown as this."""
_RUN_LENGTHS = 3
"""zlib's Z_RLE: as small as any strategy on noise and on empty planes, and ten times as fast."""


def encode(counts: np.ndarray) -> str:
    """Return a plane, int (channels, ticks) of at most ``LARGEST`` in size, as the base64 text of a PNG of twice its height.

    Noise needs its low bytes only; its high bytes are nearly constant and cost next to nothing.
    """
    shifted = np.clip(counts, -LARGEST, LARGEST).astype(np.int32) + OFFSET
    stacked = np.concatenate([shifted & 255, shifted >> 8]).astype(np.uint8)
    # A palette of greys keeps the pixel values; unlike grey pictures, those with a palette are written without filters,
    # which would only spread the noise.
    picture = Image.frombytes("P", (stacked.shape[1], stacked.shape[0]), stacked.tobytes())
    picture.putpalette([level for level in range(256) for _ in range(3)])
    out = io.BytesIO()
    picture.save(out, "PNG", compress_type=_RUN_LENGTHS, compress_level=6, pnginfo=PngInfo())
    return base64.b64encode(out.getvalue()).decode("ascii")


def decode(text: str) -> np.ndarray:
    """Return the counts, int32 (channels, ticks), of ``encode``; its inverse, as the page does it."""
    stacked = np.asarray(Image.open(io.BytesIO(base64.b64decode(text)))).astype(np.int32)
    half = len(stacked) // 2
    return stacked[:half] + (stacked[half:] << 8) - OFFSET
