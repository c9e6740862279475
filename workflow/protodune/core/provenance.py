"""What travels with every product: versions of what computed it."""

from __future__ import annotations

import platform
from importlib import metadata

import protodune


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python, of protodune and of the named distributions ("absent" if not installed)."""
    found = {"python": platform.python_version(), "protodune": protodune.__version__}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "absent"
    return found
