from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from clusters import Cluster


@pytest.fixture(scope="session")
def cluster():
    """The cluster that all tests share."""
    with tempfile.TemporaryDirectory(prefix="slurm") as folder:
        os.chmod(folder, 0o755)  # munge's socket must be within reach of all, which pytest's folders are not
        lab = Cluster(Path(folder))
        lab.control("start")
        try:
            yield lab
        finally:
            lab.control("stop")
