"""A copy of the repository in which a user's commands run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from helpers import REPOSITORY, job_environment

README = (REPOSITORY / "README.md").read_text()
BLOCKS = [block.strip().splitlines() for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL)]
SKIPPED = shutil.ignore_patterns(
    ".git", ".venv", "results", ".snakemake", "__pycache__", ".pytest_cache", ".ruff_cache", "site"
)


class Clone:
    """A copy of the repository with the environment of this test run."""

    def __init__(self, folder: Path):
        self.folder = folder / "protodune"
        shutil.copytree(REPOSITORY, self.folder, ignore=SKIPPED)
        (self.folder / ".venv").symlink_to(sys.prefix)

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def run(self, command: str, expected: int = 0) -> str:
        """Run a command of the README in the copy; return what it printed."""
        environment = {k: v for k, v in job_environment().items() if k not in ("PYTHONPATH", "MAKEFLAGS", "MAKELEVEL")}
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == expected, f"{command}: {done.stdout[-3000:]}{done.stderr[-6000:]}"
        return done.stdout + done.stderr

    def planned(self, command: str) -> dict[str, int]:
        """Jobs by rule that a command of Snakemake plans."""
        output = self.run(f"{command} --dry-run")
        if "Nothing to be done" in output:
            return {}
        table = output.split("Job stats:")[-1]
        return {m[1]: int(m[2]) for m in re.finditer(r"^(\w+)\s+(\d+)$", table, re.MULTILINE) if m[1] != "total"}

    def config(self, name: str) -> dict:
        return yaml.safe_load((self.folder / "config" / name).read_text())

    def write_config(self, name: str, content: dict) -> None:
        (self.folder / "config" / name).write_text(yaml.safe_dump(content))


def merge(base: dict, over: dict) -> dict:
    """Merge nested settings as Snakemake merges configuration files."""
    return {
        k: merge(base[k], v) if isinstance(v, dict) and isinstance(base.get(k), dict) else v
        for k, v in {**base, **over}.items()
    }
