"""Turn weights that DUNEdn published (.pth) into a weights file of ours."""

from __future__ import annotations

import argparse
import hashlib
import logging
from pathlib import Path

from protodune.detector.geometry import PLANE_FAMILIES
from protodune.learning.dunedn_weights import import_weights
from protodune.learning.registry import TASKS, count_parameters
from protodune.learning.weights import save_weights
from protodune.core.provenance import versions
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("import_weights", __doc__)
    p.add_argument("--source", required=True, help=".pth file with a state dict of DUNEdn's CNN, GCNN or USCG-Net")
    p.add_argument("--plane", required=True, choices=sorted(PLANE_FAMILIES), help="planes that it was trained for")
    p.add_argument("--task", default="denoise", choices=TASKS)
    p.add_argument("--output", required=True, help="weights to write (.safetensors), for models.NAME.weights")
    return p


def run(source: str, plane: str, task: str, output: str) -> None:
    """Write the weights with all that is known of them."""
    found = import_weights(source, task)
    about = {
        "task": task,
        "model": f"dunedn_{found.architecture}",
        "architecture": found.architecture,
        "family": plane,
        "trial": "imported",
        "network": found.network,
        "parameters": count_parameters(found.model),
        "imported": {"file": Path(source).name, "sha256": hashlib.sha256(Path(source).read_bytes()).hexdigest()},
        "versions": versions("torch"),
    }
    save_weights(output, found.model, about)
    log.info("%s: %s %s, %d parameters, to %s", source, found.architecture, found.network, about["parameters"], output)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("import_weights", lambda: run(a.source, a.plane, a.task, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
