"""From ionisation to the wires: recombination, drift, attenuation, diffusion, and which wire and tick the charge meets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from protodune.detector.geometry import (
    APA_PITCH_Z_MM,
    DRIFT_SPEED_MM_PER_US,
    DRIFT_WIRES_X_MM,
    MAX_DRIFT_MM,
    TICK_US,
    TRIGGER_TICK,
    WALL_WIRES_X_MM,
    WIRE_Z_RANGE_MM,
    WirePlane,
    drift_facing_face,
)
from protodune.simulation.matter import IONISATION_EV, recombination
from protodune.simulation.settings import SimulationSettings
from protodune.simulation.steps import Steps

SPLAT_WIRES, SPLAT_TICKS = 1, 8  # half widths of the deposited Gaussian: at full drift 3 and 3.6 sigma
_CM2_PER_S_TO_MM2_PER_US = 1e-4


@dataclass
class Arrivals:
    """Electrons at the wire planes of one face, all (n,): y, z in mm (z relative to the APA's own origin), tick of the
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


def drift(steps: Steps, electrons: np.ndarray, apa: int, face: int, settings: SimulationSettings) -> Arrivals:
    """Drift the electrons of all steps (n,) that one face of an APA collects.

    Attenuation exp(-t / lifetime), diffusion sqrt(2 D t).  The wall-facing side sees ``wall_depth_mm`` of argon.
    """
    outwards = np.abs(steps.position[:, 0]) * (1 if apa % 2 else -1) * np.sign(steps.position[:, 0])
    facing = face == drift_facing_face(apa)
    distance = DRIFT_WIRES_X_MM - outwards if facing else outwards - WALL_WIRES_X_MM
    z = steps.position[:, 2] - apa // 2 * APA_PITCH_Z_MM
    # Half the gap between two APAs belongs to each of them.
    near = (z > WIRE_Z_RANGE_MM[0] - 12) & (z < WIRE_Z_RANGE_MM[1] + 12) & (distance >= 0)
    chosen = np.flatnonzero(near & (distance <= (MAX_DRIFT_MM if facing else settings.wall_depth_mm)))
    time = distance[chosen] / DRIFT_SPEED_MM_PER_US
    on = settings.effects
    spread = _CM2_PER_S_TO_MM2_PER_US if on.diffusion else 0.0
    return Arrivals(
        steps.position[chosen, 1],
        z[chosen],
        TRIGGER_TICK + (steps.time[chosen] + time) / TICK_US,
        np.sqrt(2 * settings.longitudinal_diffusion_cm2_per_s * spread * time) / DRIFT_SPEED_MM_PER_US / TICK_US,
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


def charge_on_wires(arrivals: Arrivals, wires: WirePlane, first_tick: int, last_tick: int) -> WireCharge:
    """Share out the electrons over wires and ticks from ``first_tick`` up to, not including, ``last_tick``."""
    wire = wires.wire_coordinate(arrivals.y_mm, arrivals.z_mm, 0)
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
