"""What a file of weights says of itself, read from its first bytes and without torch."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from protodune.core.errors import ProtoduneError

_LONGEST = 1 << 24


def read_about(path: Path) -> dict:
    """Return what a safetensors file of ours says of its making: network, task, family, ..."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length)) if length <= _LONGEST else {}
        about = json.loads(header["__metadata__"]["protodune"])
    except OSError as error:
        raise ProtoduneError(f"{path}: cannot be read ({error.strerror}), expected protodune weights") from None
    except (struct.error, ValueError, KeyError, TypeError, RecursionError):
        about = None
    if not isinstance(about, dict):
        raise ProtoduneError(
            f"{path}: not a safetensors file of protodune, expected weights that it trained or imported; give another file"
        )
    return about
