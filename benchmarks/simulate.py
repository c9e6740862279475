"""How fast and in how much memory the simulation runs, one event of one unit at a time.

    python benchmarks/simulate.py [--events 10] [--json out.json]

Each content with the realistic preset, one unit, the whole readout, on one thread: median seconds per event, peak resident
memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from protodune.simulation.events import simulate_event
from protodune.simulation.settings import CONTENTS, SampleSettings, SimulationSettings


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    results = {}
    for content in CONTENTS:
        sample = SampleSettings("benchmark", 1, arguments.events, (1,), SimulationSettings(content=content))
        simulate_event(sample, 1)  # tables and kernels
        times = []
        for number in range(1, arguments.events + 1):
            start = time.perf_counter()
            simulate_event(sample, number)
            times.append(time.perf_counter() - start)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        results[content] = {"median_s": statistics.median(times), "max_s": max(times), "peak_mb": memory}
        print(f"{content:13s} {statistics.median(times):5.2f} s (max {max(times):5.2f})  {memory:5.0f} MB", flush=True)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
