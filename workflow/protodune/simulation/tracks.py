"""Cosmic muons as straight lines through a box, and the electrons that they leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protodune.geometry import DRIFT_SPEED_MM_PER_US, MAX_DRIFT_MM, TICK_US, WIRE_Y_RANGE_MM, WIRE_Z_RANGE_MM
from protodune.simulation.settings import SimulationSettings

STEP_MM = 1.0
STRAGGLING_STEP_MM = 5.0
MAX_DEDX_MEV_PER_CM = 15.0
IONISATION_EV = 23.6
DENSITY_G_PER_CM3 = 1.396
BOX_A, BOX_B = 0.930, 0.212  # modified box model, ArgoNeuT; B in (kV/cm)(g/cm2)/MeV


@dataclass
class Depositions:
    """Ionisation electrons before drift, all columns (n,): distance from the collection wires and y, z in mm (z relative
    to the APA's own origin), time of the track in ticks, electrons."""

    drift_mm: np.ndarray
    y_mm: np.ndarray
    z_mm: np.ndarray
    t0_tick: np.ndarray
    electrons: np.ndarray


def recombination(dedx: np.ndarray, field_kv_per_cm: float) -> np.ndarray:
    """Return the fraction of electrons that escape recombination: modified box model (ArgoNeuT, JINST 8 P08005)."""
    b = BOX_B * dedx / (DENSITY_G_PER_CM3 * field_kv_per_cm)
    return np.log(BOX_A + b) / b


def cosmic_segments(rng: np.random.Generator, settings: SimulationSettings) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """Draw the muons of one drift volume: entry and exit point (drift, y, z) in mm and time in ticks.

    A point uniform in the box and a direction with cos^2(zenith) flux; the line is cut at the box.  The time is uniform
    over all that can reach the readout window: from one full drift before its start to its end.
    """
    low = np.array([0.0, WIRE_Y_RANGE_MM[0], WIRE_Z_RANGE_MM[0]])
    high = np.array([MAX_DRIFT_MM, WIRE_Y_RANGE_MM[1], WIRE_Z_RANGE_MM[1]])
    drift_ticks = MAX_DRIFT_MM / DRIFT_SPEED_MM_PER_US / TICK_US
    segments = []
    for _ in range(settings.tracks_per_apa):
        point = rng.uniform(low, high)
        cos_zenith = rng.uniform() ** (1 / 4)  # density cos^2 times the area element's cos: P(<c) = c^4
        sin_zenith, phi = np.sqrt(1 - cos_zenith**2), rng.uniform(0, 2 * np.pi)
        direction = np.array([sin_zenith * np.cos(phi), -cos_zenith, sin_zenith * np.sin(phi)])
        t0 = rng.uniform(-drift_ticks, settings.ticks)
        with np.errstate(divide="ignore"):
            bounds = np.sort(np.stack([(low - point) / direction, (high - point) / direction]), axis=0)
        segments.append((point + bounds[0].max() * direction, point + bounds[1].min() * direction, t0))
    return segments


def deposit(
    rng: np.random.Generator, segments: list[tuple[np.ndarray, np.ndarray, float]], settings: SimulationSettings
) -> Depositions:
    """Walk along each segment in 1 mm steps; energy loss fluctuates (Moyal) every 5 mm; electrons after recombination."""
    columns: list[tuple[np.ndarray, ...]] = []
    for start, stop, t0 in segments:
        length = float(np.linalg.norm(stop - start))
        n = int(length / STEP_MM)
        if n == 0:
            continue
        fraction = (np.arange(n) + 0.5) / n
        points = start + fraction[:, None] * (stop - start)
        repeat = int(STRAGGLING_STEP_MM / STEP_MM)
        normal = rng.standard_normal(-(-n // repeat))
        moyal = -np.log(np.maximum(normal**2, 1e-30))
        dedx = settings.mpv_mev_per_cm + settings.landau_width_mev_per_cm * moyal
        dedx = np.repeat(np.clip(dedx, 0.5, MAX_DEDX_MEV_PER_CM), repeat)[:n]
        mean = dedx * 1e6 / IONISATION_EV * (length / n / 10.0) * recombination(dedx, settings.field_kv_per_cm)
        columns.append((*points.T, np.full(n, t0), rng.poisson(mean).astype(np.float64)))
    if not columns:
        return Depositions(*np.zeros((5, 0)))
    return Depositions(*(np.concatenate(c) for c in zip(*columns, strict=True)))
