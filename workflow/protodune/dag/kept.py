"""What is costly to find and depends on a text alone, kept between runs in the user's cache folder.

Snakemake plans anew in every command, and on a cluster in every job.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable

from protodune.core.cache import cache_folder

MAX_ENTRIES = 5000
"""The file starts anew when it has grown to more entries."""


class Kept:
    """Pairs of a text and a list of texts by key; ``version``: of the way in which they are found, others do not count.

    A cache that cannot be read or written is none.
    """

    def __init__(self, name: str, version: str):
        self._path, self._version = cache_folder() / f"{name}.json", version
        self._found, self._changed = self._read(), False

    def _read(self) -> dict[str, list]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            found = content["found"] if content["version"] == self._version else {}
            return dict(found) if len(found) <= MAX_ENTRIES else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def get(self, key: str, find: Callable[[], tuple[str, list[str]]]) -> tuple[str, list[str]]:
        """What is kept of a key, or else is found now."""
        match self._found.get(key):
            case [str() as text, [*names]] if all(isinstance(name, str) for name in names):
                return text, names
        text, names = find()
        self._found[key], self._changed = [text, names], True
        return text, names

    def save(self) -> None:
        """Write what is new; the file appears in one step, as other processes may read it."""
        if not self._changed:
            return
        self._changed = False
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"version": self._version, "found": self._found}, file)
            os.replace(temporary, self._path)
