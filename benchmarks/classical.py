"""How fast the classical chain is, and whether it does as well on another generator's sample as on ours.

    python benchmarks/classical.py [--events 10] [--threads 2] [--foreign NOISY.root NOISE_OFF.root] [--json out.json]

Speed: pedestals, sticky codes, tails, low-pass, coherent noise, deconvolution and regions of interest for the three
planes of one event of one unit, realistic preset; median over the events, share of each step.  ``--foreign``: one unit with
cosmic muons, coherent noise and a spread of pedestals from elsewhere.  The error of low-pass + coherent noise + cut at 15
ADC grows with the number of signal pixels, so it is compared at the same occupancy: own events of growing occupancy give a
straight line.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from protodune.classical.methods import MethodSettings, run_method
from protodune.classical.pedestal import estimate_pedestal
from protodune.classical.step import PlaneReadout
from protodune.detector.model import Plane
from protodune.detector.registry import DEFAULT, find_detector
from protodune.rawio.source import open_raw
from protodune.simulation.events import simulate_event
from protodune.simulation.settings import SampleSettings, SimulationSettings

FULL = MethodSettings(("sticky", "tails", "low_pass", "coherent", "deconvolve"))
CUT = MethodSettings(("sticky", "tails", "low_pass", "coherent", {"cut": {"size_adc": 15.0}}))
SIGNAL_ADC = 3.5
DETECTOR = find_detector(DEFAULT)
PLANES = DETECTOR.units[0].planes
"""Those of other units have the same rows."""


def rows_of(plane: Plane) -> slice:
    """Where a unit's digits hold those of a plane."""
    return slice(plane.first_channel, plane.first_channel + plane.n_channels)


def readout(plane: Plane, adc: np.ndarray) -> PlaneReadout:
    """A plane of a unit's digits (channels, ticks) as a method gets it."""
    rows = adc[rows_of(plane)]
    pedestal, rms = estimate_pedestal(rows, plane)
    return PlaneReadout(plane, rows, rows - pedestal[:, None], (rms < 0.5) | (rms > 30))


def speed(events: int, threads: int) -> dict:
    """Time the whole chain on ``events`` events of one unit."""
    sample = SampleSettings("benchmark", 1, events, (1,), SimulationSettings())
    times = []
    for number in range(1, events + 1):
        adc = simulate_event(sample, number).adc
        start = time.perf_counter()
        for plane in PLANES.values():
            run_method(FULL, readout(plane, adc), threads)
        times.append(time.perf_counter() - start)
    print(f"chain, {threads} thread(s): {statistics.median(times):.2f} s per event (max {max(times):.2f}, n = {events})")
    return {"median_s": statistics.median(times), "max_s": max(times), "threads": threads}


def error_and_occupancy(plane: Plane, adc: np.ndarray, clean: np.ndarray) -> tuple[float, float]:
    """Return MSE in ADC^2 of the chain with a cut, and the share of pixels with signal."""
    given = readout(plane, adc)
    truth = clean[rows_of(plane)][~given.bad]
    denoised = run_method(CUT, given)["denoised"][~given.bad]
    return float(((denoised - truth) ** 2).mean()), float((np.abs(truth) > SIGNAL_ADC).mean())


def foreign(noisy: str, noise_off: str) -> dict:
    """Compare the chain's error on another generator's event with that on own events at the same occupancy."""
    event, off = open_raw(noisy).read(0), open_raw(noise_off).read(0)
    effects = {"coherent_noise": True, "pedestal_spread": True}
    own: dict[str, list] = {plane: [] for plane in PLANES}
    for number, cosmics in enumerate((8.0, 12.0, 16.0, 20.0, 24.0, 28.0, 32.0, 36.0), start=1):
        settings = SimulationSettings.of_preset("dunedn", effects, cosmics_per_unit=cosmics)
        made = simulate_event(SampleSettings("like", 5, number, (0,), settings), number)
        for name, plane in PLANES.items():
            own[name].append(error_and_occupancy(plane, made.adc, made.clean * np.float32(DETECTOR.adc_per_count)))
    results = {}
    for plane in PLANES:
        error, occupancy = error_and_occupancy(PLANES[plane], event.adc, off.adc - off.pedestal[:, None])
        errors, occupancies = np.array(own[plane]).T
        expected = float(np.polyval(np.polyfit(occupancies, errors, 1), occupancy))
        results[plane] = {"foreign": error, "own": expected, "ratio": error / expected, "occupancy": occupancy}
        print(
            f"plane {plane}: MSE {error:.3f} on the foreign event, {expected:.3f} ADC^2 on own ones at its occupancy of "
            f"{occupancy:.3%} (own: {occupancies.min():.2%} to {occupancies.max():.2%}); ratio {error / expected:.2f}"
        )
    return results


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--foreign", nargs=2, metavar=("NOISY", "NOISE_OFF"))
    parser.add_argument("--json")
    arguments = parser.parse_args()
    results = {"speed": speed(arguments.events, arguments.threads)}
    if arguments.foreign:
        results["foreign"] = foreign(*arguments.foreign)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
