"""How fast a network goes over planes: by how much goes through it at a time, by precision, by runtime.

Each measurement is a process of its own (the stage ``time_forward``), so that its memory is its own.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys

from tqdm import tqdm

from protodune.core.errors import ProtoduneError

log = logging.getLogger(__name__)
SHARES = (1 / 8, 1 / 4, 1 / 2)
"""Of a plane's pixels at a time; in less, overlaps are most of what a network does."""
ONNX_SHARE = 1 / 4
MEASURED = ("windows", "mpixel", "piece_s", "plane_s", "gmac", "memory_mb")
COLUMNS = ["network", "family", "runtime", "device", "share", *MEASURED, "gmac_per_s", "repeats", "threads"]


def speed_rows(
    name: str, weights: str, family: str, detector: str, ticks: int | None, repeats: int, threads: int
) -> list[dict]:
    """Return a row (``COLUMNS``) for each runtime and number of pixels at a time; pieces that come out the same count once.

    ``name`` of the network, for the rows; ``repeats`` of each piece, of which the median counts.
    """
    jobs = [(runtime, share) for runtime in ("float32", "bfloat16") for share in SHARES] + [("onnx", ONNX_SHARE)]
    rows: dict[tuple, dict] = {}
    for runtime, share in tqdm(jobs, desc=name, unit="run", disable=None):
        options = {
            "--weights": weights, "--family": family, "--detector": detector, "--runtime": runtime, "--share": share,
            "--repeats": repeats, "--threads": threads, **({"--ticks": ticks} if ticks else {}),
        }  # fmt: skip
        command = [sys.executable, "-m", "protodune.stages.learn.time_forward"]
        command += [str(part) for option in options.items() for part in option]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise ProtoduneError(f"speed: {runtime} with {share:g} of a plane at a time failed:\n{result.stderr.strip()}")
        found = json.loads(result.stdout)
        about = {"network": name, "family": family, "runtime": runtime, "share": share}
        row = about | found | {"gmac_per_s": found["gmac"] / found["piece_s"], "repeats": repeats, "threads": threads}
        rows.setdefault((runtime, found["mpixel"]), row)
        log.info(
            "%s, %.3g Mpixel at a time: %.3g s per plane, %.0f MB", runtime, row["mpixel"], row["plane_s"], row["memory_mb"]
        )
    return list(rows.values())
