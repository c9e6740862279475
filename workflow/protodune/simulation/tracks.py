"""Muons, pions and protons: a path with multiple scattering, its energy deposits and delta rays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protodune.detector.model import Detector
from protodune.simulation import matter
from protodune.simulation.settings import SimulationSettings
from protodune.simulation.steps import Steps, inside, perpendicular, turned

SEGMENT_MM, STEPS_PER_SEGMENT = 5.0, 5
MAX_DEDX_MEV_PER_CM = 15.0
"""Where straggling is cut off if no delta rays carry its tail."""


@dataclass
class Deltas:
    """Electrons knocked out of a track: position, direction (n, 3), kinetic energy in MeV (n,)."""

    position: np.ndarray
    direction: np.ndarray
    kinetic: np.ndarray


@dataclass
class Track:
    """The path of a particle: deposits, delta rays, end point and direction (3,), length in mm, kinetic energy in MeV at
    the end (0 where it stopped)."""

    steps: Steps
    deltas: Deltas
    end: np.ndarray
    direction: np.ndarray
    length: float
    kinetic: float


def follow(
    rng: np.random.Generator,
    detector: Detector,
    settings: SimulationSettings,
    mass: float,
    kinetic: float,
    start: np.ndarray,
    direction: np.ndarray,
    max_length: float,
    time: float,
    particle: int,
) -> Track:
    """Follow a charged particle until it stops, leaves the argon or has gone ``max_length`` mm."""
    full_range = matter.range_mm(kinetic, mass)
    length = min(full_range, max_length)
    n = max(1, int(np.ceil(length / SEGMENT_MM)))
    segment = length / n
    middle = matter.energy_at_range(full_range - (np.arange(n) + 0.5) * segment, mass)
    directions = _scattered(rng, settings, direction, matter.scattering_angle(middle, mass, segment))
    nodes = start + np.concatenate([np.zeros((1, 3)), np.cumsum(directions * segment, axis=0)])
    n_inside = int(np.argmin(np.append(inside(detector, nodes[1:]), False)))
    stopped = n_inside == n and length == full_range
    n = max(n_inside, 1)
    middle, directions, nodes = middle[:n], directions[:n], nodes[: n + 1]

    energy = _energy_loss(rng, settings, middle, mass, segment)
    fraction = (np.arange(STEPS_PER_SEGMENT) + 0.5) / STEPS_PER_SEGMENT * segment
    position = nodes[:-1, None, :] + fraction[None, :, None] * directions[:, None, :]
    total = n * STEPS_PER_SEGMENT
    steps = Steps(
        position.reshape(-1, 3),
        np.repeat(energy / STEPS_PER_SEGMENT, STEPS_PER_SEGMENT),
        np.full(total, segment / STEPS_PER_SEGMENT),
        np.full(total, time),
        np.full(total, particle, np.int32),
    )
    deltas = _deltas(rng, settings, middle, mass, segment, nodes, directions)
    left = 0.0 if stopped else float(matter.energy_at_range(np.array(full_range - n * segment), mass))
    return Track(steps, deltas, nodes[-1], directions[-1], n * segment, left)


def _scattered(
    rng: np.random.Generator, settings: SimulationSettings, direction: np.ndarray, angle: np.ndarray
) -> np.ndarray:
    """Return the direction of each segment, (n, 3): projected angles add up, which is right while they are small."""
    if not settings.effects.multiple_scattering:
        return np.repeat(direction[None], len(angle), axis=0)
    first, second = perpendicular(direction)
    kicks = np.cumsum(rng.standard_normal((2, len(angle))) * np.minimum(angle, 0.5), axis=1)
    found = direction + kicks[0][:, None] * first + kicks[1][:, None] * second
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def _energy_loss(
    rng: np.random.Generator, settings: SimulationSettings, kinetic: np.ndarray, mass: float, segment: float
) -> np.ndarray:
    """Return the energy in MeV deposited in each segment: Moyal's form of the straggling, cut where delta rays begin."""
    mean = matter.mean_loss(kinetic, mass) * segment / 10
    if settings.effects.delta_rays:
        mean = mean - _delta_rate(settings, kinetic, mass, segment)[1]
    if not settings.effects.straggling:
        return mean
    most_probable, xi = matter.landau(kinetic, mass, segment)
    normal = rng.standard_normal(len(kinetic))
    loss = most_probable - xi * np.log(np.maximum(normal**2, 1e-30))
    most = most_probable + settings.delta_min_mev if settings.effects.delta_rays else MAX_DEDX_MEV_PER_CM * segment / 10
    # Slow particles lose so much that the straggling is small beside the mean, and Landau's mode is not meant for them.
    slow = xi > 0.1 * mean
    return np.where(slow, mean, np.clip(loss, 0.5 * mean, np.maximum(most, mean)))


def _delta_rate(
    settings: SimulationSettings, kinetic: np.ndarray, mass: float, segment: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean number of delta rays per segment before the spectrum's spin factor, the energy in MeV that they carry
    off with it, and the largest one's."""
    most = matter.largest_transfer(kinetic, mass)
    least = settings.delta_min_mev
    p = matter.momentum(kinetic, mass)
    beta2 = (p / (kinetic + mass)) ** 2
    scale = matter.K_MEV_CM2 / 2 * matter.Z_OVER_A * matter.DENSITY_G_PER_CM3 * segment / 10 / beta2
    ratio = np.maximum(most / least, 1.0)
    number = scale * (1 / least - 1 / np.maximum(most, least))
    energy = scale * (np.log(ratio) - beta2 * np.maximum(most - least, 0) / most)
    return number, np.maximum(energy, 0), most


def _deltas(
    rng: np.random.Generator,
    settings: SimulationSettings,
    kinetic: np.ndarray,
    mass: float,
    segment: float,
    nodes: np.ndarray,
    directions: np.ndarray,
) -> Deltas:
    """Draw delta rays above ``delta_min_mev``: spectrum (1 - beta^2 T / Tmax) / T^2, direction by two-body kinematics."""
    if not settings.effects.delta_rays:
        return Deltas(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))
    number, _, most = _delta_rate(settings, kinetic, mass, segment)
    index = np.repeat(np.arange(len(kinetic)), rng.poisson(number))
    least = settings.delta_min_mev
    energy = 1 / (1 / least - rng.uniform(size=len(index)) * (1 / least - 1 / np.maximum(most[index], least)))
    beta2 = 1 - 1 / (1 + kinetic[index] / mass) ** 2
    kept = rng.uniform(size=len(index)) < 1 - beta2 * energy / most[index]
    index, energy = index[kept], energy[kept]
    ratio = energy / matter.momentum(energy, matter.ELECTRON_MEV)
    cos_theta = np.minimum(ratio * matter.momentum(most[index], matter.ELECTRON_MEV) / most[index], 1.0)
    where = nodes[index] + rng.uniform(0, segment, len(index))[:, None] * directions[index]
    return Deltas(where, turned(directions[index], cos_theta, rng.uniform(0, 2 * np.pi, len(index))), energy)
