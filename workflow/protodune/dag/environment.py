"""The environment of the jobs."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def set_job_environment(repository: str | Path) -> None:
    """Let jobs find this checkout's package and this interpreter.

    Jobs run ``python -m protodune...``: with the interpreter's own folder first on PATH no virtual environment need be
    active, and with the checkout on PYTHONPATH the package need not be installed.
    """
    for name, folder in (("PYTHONPATH", Path(repository) / "workflow"), ("PATH", Path(sys.executable).parent)):
        old = os.environ.get(name)
        os.environ[name] = os.pathsep.join([str(folder), *([old] if old else [])])
