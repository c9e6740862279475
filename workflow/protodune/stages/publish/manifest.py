"""Write the manifest of a run, or check the products of a run against it."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

from protodune.core.errors import ProtoduneError
from protodune.core.files import write_text
from protodune.core.provenance import versions
from protodune.publish.manifest import differences, make_manifest, read_manifest
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)
PACKAGES = ("numpy", "scipy", "h5py", "torch", "torch-geometric", "uproot", "matplotlib", "snakemake", "horovod")
SHOWN = 10


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("manifest", __doc__)
    p.add_argument("action", choices=["write", "verify"])
    p.add_argument("--results", required=True, help="folder of the products")
    p.add_argument("--manifest", required=True, help="JSON to write or to check against")
    p.add_argument("--config", help="write: JSON of the settings")
    p.add_argument("--about", default="{}", help="write: JSON of samples, networks and seed")
    return p


def write(results: str, manifest: str, config: str, about: dict) -> None:
    """Write the manifest."""
    settings = json.loads(Path(config).read_text(encoding="utf-8"))
    found = make_manifest(Path(results), {**about, "settings": settings, "versions": versions(*PACKAGES)})
    write_text(manifest, json.dumps(found, indent=1, sort_keys=True) + "\n")
    log.info("%s: %d products", manifest, len(found["products"]))


def verify(results: str, manifest: str) -> None:
    """Say how many products are as they were; raise if one is missing or changed."""
    listed = read_manifest(manifest)
    found = differences(listed, Path(results))
    for kind, names in found.items():
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        if names:
            log.info("%s: %s%s", kind, ", ".join(names[:SHOWN]), more)
    wrong = len(found["missing"]) + len(found["changed"])
    if wrong:
        raise ProtoduneError(
            f"{manifest}: {wrong} of {len(listed['products'])} products are not as they were made; run `snakemake paper` to "
            "make them again"
        )
    log.info("%s: all %d products are as they were made", manifest, len(listed["products"]))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    if a.action == "verify":
        return run_stage("verify", lambda: verify(a.results, a.manifest))
    return run_stage("manifest", lambda: write(a.results, a.manifest, a.config, json.loads(a.about)))


if __name__ == "__main__":
    raise SystemExit(main())
