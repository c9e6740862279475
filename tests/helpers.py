"""What several tests need: the repository, small samples, ways to run stages and Snakemake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from protodune.simulation.settings import SampleSettings, SimulationSettings

REPOSITORY = Path(__file__).resolve().parents[1]
DATA = REPOSITORY / "tests" / "data"
TICKS = 512


def small_sample(**changes) -> SampleSettings:
    """A sample that simulates in a fraction of a second: one unit, 512 ticks, noise but a healthy readout."""
    wanted = {"ticks": TICKS, "cosmics_per_unit": 30.0, **changes.pop("simulation", {})}
    effects = {"coherent_noise": True, "pedestal_spread": True, **wanted.pop("effects", {})}
    simulation = SimulationSettings.of_preset(wanted.pop("preset", "dunedn"), effects, **wanted)
    return SampleSettings(**{"sample": "small", "seed": 7, "events": 1, "units": (0,), "simulation": simulation, **changes})


def run_module(module: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess:
    """Run ``python -m protodune.MODULE`` as a rule does."""
    return subprocess.run(
        [sys.executable, "-m", f"protodune.{module}", *map(str, arguments)],
        cwd=cwd, env=job_environment(), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def job_environment() -> dict[str, str]:
    """The environment with this checkout's package and this interpreter's tools first."""
    bin_folder = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "workflow"), str(REPOSITORY / "tests")]),
        "PATH": os.pathsep.join([bin_folder, os.environ.get("PATH", "")]),
    }


def run_snakemake(
    *arguments: str, directory: Path, profile: str | None = None, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess:
    """Run Snakemake on this repository's Snakefile in a working directory of its own, with changes of the environment."""
    head = ["--profile", str(REPOSITORY / "profiles" / profile)] if profile else ["--cores", "2"]
    command = [sys.executable, "-m", "snakemake", "-s", str(REPOSITORY / "Snakefile"), "--directory", str(directory), *head]
    return subprocess.run(
        [*command, *map(str, arguments)], env=job_environment() | (environment or {}),
        capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip


def one_line_error(result: subprocess.CompletedProcess, stage: str) -> str:
    """Assert that a stage ended with one line of error and no traceback; return the message."""
    assert result.returncode != 0, result.stdout + result.stderr
    assert "Traceback" not in result.stderr, result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith(f"{stage}: error: ")]
    assert len(errors) == 1, result.stderr
    return errors[0]


def as_json(**settings) -> str:
    """Settings as a stage takes them."""
    return json.dumps(settings)
