"""A real Slurm of three small nodes on this machine, for tests/cluster."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from helpers import REPOSITORY, job_environment

SCRIPT = REPOSITORY / "tests" / "cluster" / "minislurm.sh"
NEEDS_SLURM = pytest.mark.skipif(
    shutil.which("slurmctld", path="/usr/sbin:/usr/bin") is None,
    reason="found no slurmctld; `make test-cluster` installs Slurm and runs these, `make test` does not collect them",
)


class Cluster:
    """Three nodes, minsky1 to minsky3, with four pretend GPUs each."""

    def __init__(self, folder: Path):
        self.folder = folder

    def control(self, *arguments):
        subprocess.run(["bash", SCRIPT, arguments[0], self.folder, *arguments[1:]], check=True, timeout=60)

    def environment(self):
        environment = job_environment()
        return {**environment, "PATH": os.pathsep.join([str(self.folder / "bin"), environment["PATH"]])}

    def output(self, *command):
        return subprocess.run(command, env=self.environment(), check=True, capture_output=True, text=True, timeout=60).stdout

    def jobs(self):
        return self.output("squeue", "-h", "-t", "PENDING,RUNNING", "-o", "%A").split()
