"""From ionisation to the wires: recombination, drift, attenuation, diffusion, and which wire and tick the charge meets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from protodune.detector.model import Detector, Unit, Wires
from protodune.simulation.matter import IONISATION_EV, recombination
from protodune.simulation.settings import SimulationSettings
from protodune.simulation.steps import Steps

SPLAT_WIRES, SPLAT_TICKS = 1, 8  # half widths of the deposited Gaussian: at full drift 3 and 3.6 sigma
_CM2_PER_S_TO_MM2_PER_US = 1e-4
_HALF_GAP_MM = 12


@dataclass
class Arrivals:
    """Electrons at the wire planes of one face, all (n,): y, z in mm (z relative to the unit's own origin), tick of the
    readout, widths along time (ticks) and pitch (mm), electrons, particle id."""

    y_mm: np.ndarray
    z_mm: np.ndarray
    tick: np.ndarray
    sigma_tick: np.ndarray
    sigma_mm: np.ndarray
    electrons: np.ndarray
    particle: np.ndarray


def ionise(rng: np.random.Generator, steps: Steps, settings: SimulationSettings) -> np.ndarray:
    """Return the electrons that escape recombination at each step, Poisson distributed, float64 (n,)."""
    dedx = steps.energy / np.maximum(steps.length, 0.05) * 10
    escaped = steps.energy * 1e6 / IONISATION_EV * recombination(dedx, settings.field_kv_per_cm, settings.recombination)
    return rng.poisson(escaped).astype(np.float64) if settings.effects.straggling else escaped


def drift(
    detector: Detector, unit: Unit, face: int, steps: Steps, electrons: np.ndarray, settings: SimulationSettings
) -> Arrivals:
    """Drift the electrons of all steps (n,) that one face of a unit collects.

    Attenuation exp(-t / lifetime), diffusion sqrt(2 D t).  The wall-facing side sees ``wall_depth_mm`` of argon.
    """
    outwards = np.abs(steps.position[:, 0]) * unit.side * np.sign(steps.position[:, 0])
    facing = face == unit.facing
    distance = unit.drift_wires_x_mm - outwards if facing else outwards - unit.wall_wires_x_mm
    z = steps.position[:, 2] - unit.z_mm
    # Half the gap between two units belongs to each of them.
    near = (z > unit.z_range_mm[0] - _HALF_GAP_MM) & (z < unit.z_range_mm[1] + _HALF_GAP_MM) & (distance >= 0)
    chosen = np.flatnonzero(near & (distance <= (detector.max_drift_mm if facing else settings.wall_depth_mm)))
    speed, tick_us = detector.drift_speed_mm_per_us, detector.tick_us
    time = distance[chosen] / speed
    on = settings.effects
    spread = _CM2_PER_S_TO_MM2_PER_US if on.diffusion else 0.0
    return Arrivals(
        steps.position[chosen, 1],
        z[chosen],
        detector.trigger_tick + (steps.time[chosen] + time) / tick_us,
        np.sqrt(2 * settings.longitudinal_diffusion_cm2_per_s * spread * time) / speed / tick_us,
        np.sqrt(2 * settings.transverse_diffusion_cm2_per_s * spread * time),
        electrons[chosen] * (np.exp(-time / settings.lifetime_us) if on.attenuation else 1.0),
        steps.particle[chosen],
    )


@dataclass
class WireCharge:
    """Charge on one face and plane, flat: wire, tick (int64), electrons (float64), particle id."""

    wire: np.ndarray
    tick: np.ndarray
    electrons: np.ndarray
    particle: np.ndarray


def _bin_shares(centre: np.ndarray, sigma: np.ndarray, half: int) -> tuple[np.ndarray, np.ndarray]:
    """Return bins (n, 2 half + 1), int, around each centre (bin b covers [b - 0.5, b + 0.5)) and the Gaussian's share in
    each, normalised to one."""
    middle = np.floor(centre + 0.5).astype(np.int64)
    bins = middle[:, None] + np.arange(-half, half + 1)
    edges = (np.arange(-half, half + 2) - 0.5)[None, :] + (middle - centre)[:, None]
    share = np.diff(ndtr(edges / np.maximum(sigma, 1e-3)[:, None]), axis=1)
    return bins, share / share.sum(axis=1, keepdims=True)


def charge_on_wires(arrivals: Arrivals, wires: Wires, first_tick: int, last_tick: int) -> WireCharge:
    """Share out the electrons over wires and ticks from ``first_tick`` up to, not including, ``last_tick``."""
    wire = wires.coordinate(arrivals.y_mm, arrivals.z_mm)
    keep = (wire > -1) & (wire < wires.n_wires)
    keep &= (arrivals.tick >= first_tick - SPLAT_TICKS) & (arrivals.tick < last_tick + SPLAT_TICKS)
    wire_bin, wire_share = _bin_shares(wire[keep], arrivals.sigma_mm[keep] / wires.pitch_mm, SPLAT_WIRES)
    # Tick k covers [k, k + 1), so its centre is k + 0.5.
    tick_bin, tick_share = _bin_shares(arrivals.tick[keep] - 0.5, arrivals.sigma_tick[keep], SPLAT_TICKS)
    electrons = arrivals.electrons[keep, None, None] * wire_share[:, :, None] * tick_share[:, None, :]
    wire_bin, tick_bin = np.broadcast_arrays(wire_bin[:, :, None], tick_bin[:, None, :])
    inside = (wire_bin >= 0) & (wire_bin < wires.n_wires) & (tick_bin >= first_tick) & (tick_bin < last_tick)
    inside &= electrons > 1e-3
    particle = np.broadcast_to(arrivals.particle[keep, None, None], inside.shape)
    return WireCharge(wire_bin[inside], tick_bin[inside], electrons[inside], particle[inside])
