"""Electrons, positrons and photons: showers, Michel electrons and delta rays, all in one pool that steps together.

A short Monte Carlo that gives the image of a shower, not its calorimetry to the per cent: collision loss, multiple
scattering, bremsstrahlung, pair production and Compton scattering; annihilation and the photo-effect are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protodune.detector.model import Detector
from protodune.simulation import matter
from protodune.simulation.settings import SimulationSettings
from protodune.simulation.steps import Steps, inside, turned

STEP_MM = 2.0
SHORT_STEP_MM, SHORT_BELOW_MEV = 1.0, 3.0
CUT_MEV = 0.1
"""Electrons below deposit what they have left at once; photons below are absorbed on the spot."""
BREMSSTRAHLUNG_MIN_MEV = 1.0
_ELECTRONS_PER_MM3 = matter.DENSITY_G_PER_CM3 * matter.Z_OVER_A * 6.02214e23 / 1e3
_CLASSICAL_RADIUS_MM = 2.81794e-12
_FULL_SCREENING = 28 / 9 * np.log(183 * 18 ** (-1 / 3)) - 2 / 27
_M = matter.ELECTRON_MEV


@dataclass
class Pool:
    """Particles under way, all (n, ...): position and direction (n, 3), kinetic energy in MeV, time in us, id, whether it is
    a photon."""

    position: np.ndarray
    direction: np.ndarray
    kinetic: np.ndarray
    time: np.ndarray
    particle: np.ndarray
    photon: np.ndarray

    @classmethod
    def of(cls, position, direction, kinetic, time, particle, photon=False) -> Pool:
        """Gather particles; ``time``, ``particle`` and ``photon`` may be one value for all."""
        kinetic = np.atleast_1d(np.asarray(kinetic, float))
        n = len(kinetic)
        return cls(
            np.reshape(position, (n, 3)).astype(float),
            np.reshape(direction, (n, 3)).astype(float),
            kinetic,
            np.broadcast_to(np.asarray(time, float), n).copy(),
            np.broadcast_to(np.asarray(particle, np.int32), n).copy(),
            np.broadcast_to(np.asarray(photon, bool), n).copy(),
        )

    @classmethod
    def join(cls, parts: list[Pool]) -> Pool:
        """Return all particles of all parts."""
        if not parts:
            return cls.of(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0), 0.0, 0)
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in vars(parts[0])))

    def __getitem__(self, chosen: np.ndarray) -> Pool:
        """Return the chosen particles."""
        return Pool(*(column[chosen] for column in vars(self).values()))

    def __len__(self) -> int:
        return len(self.kinetic)


def collision_loss(kinetic_mev: np.ndarray) -> np.ndarray:
    """Return the mean collision loss of electrons in MeV/cm: Bethe's formula for electrons (Berger and Seltzer)."""
    tau = kinetic_mev / _M
    gamma = tau + 1
    beta2 = 1 - 1 / gamma**2
    f = 1 - beta2 + (tau**2 / 8 - (2 * tau + 1) * np.log(2)) / gamma**2
    log = np.log(tau**2 * (tau + 2) / (2 * (matter.EXCITATION_MEV / _M) ** 2))
    beta_gamma = np.maximum(np.sqrt(beta2) * gamma, 1e-3)
    bracket = log + f - matter.density_correction(beta_gamma)
    return matter.K_MEV_CM2 / 2 * matter.Z_OVER_A * matter.DENSITY_G_PER_CM3 / beta2 * bracket


def compton_per_mm(photon_mev: np.ndarray) -> np.ndarray:
    """Return the inverse mean free path for Compton scattering in 1/mm: Klein and Nishina."""
    k = photon_mev / _M
    log = np.log(1 + 2 * k)
    first = (1 + k) / k**2 * (2 * (1 + k) / (1 + 2 * k) - log / k)
    cross_section = 2 * np.pi * _CLASSICAL_RADIUS_MM**2 * (first + log / (2 * k) - (1 + 3 * k) / (1 + 2 * k) ** 2)
    return cross_section * _ELECTRONS_PER_MM3


def pair_per_mm(photon_mev: np.ndarray) -> np.ndarray:
    """Return the inverse mean free path for pair production in 1/mm: Bethe and Heitler without screening, at most the value
    of full screening, 7/9 of the inverse radiation length."""
    rise = 28 / 9 * np.log(2 * np.maximum(photon_mev, 2 * _M) / _M) - 218 / 27
    share = np.clip(rise / _FULL_SCREENING, 0, 1)
    return np.where(photon_mev > 2 * _M, share, 0) * 7 / 9 / matter.RADIATION_LENGTH_MM


def shower(rng: np.random.Generator, detector: Detector, settings: SimulationSettings, pool: Pool) -> Steps:
    """Follow all particles of the pool and what they make until nothing is left in the argon."""
    parts: list[Steps] = []
    while len(pool):
        converted = _convert(rng, detector, pool[pool.photon])
        electrons = Pool.join([pool[~pool.photon], converted])
        steps, electrons, photons = _step(rng, settings, electrons)
        parts.append(steps)
        pool = Pool.join([electrons, photons])
        pool = pool[inside(detector, pool.position)]
    found = Steps.join(parts)
    return found[inside(detector, found.position)]


def _convert(rng: np.random.Generator, detector: Detector, photons: Pool) -> Pool:
    """Carry photons to where they convert; return the electrons there and the Compton-scattered photons in their turn."""
    made: list[Pool] = []
    while len(photons):
        pair, compton = pair_per_mm(photons.kinetic), compton_per_mm(photons.kinetic)
        distance = rng.exponential(1 / (pair + compton))
        photons.position = photons.position + distance[:, None] * photons.direction
        is_pair = rng.uniform(size=len(photons)) * (pair + compton) < pair
        there = inside(detector, photons.position)
        made += _pairs(rng, photons[there & is_pair])
        electron, photons = _compton(rng, photons[there & ~is_pair])
        made.append(electron)
        photons = photons[photons.kinetic > CUT_MEV]
    return Pool.join(made)


def _pairs(rng: np.random.Generator, photons: Pool) -> list[Pool]:
    total = photons.kinetic - 2 * _M
    share = rng.uniform(size=len(photons))
    made = []
    for kinetic in (share * total, (1 - share) * total):
        angle = np.minimum(rng.exponential(1, len(photons)) * _M / np.maximum(photons.kinetic, _M), 1.0)
        direction = turned(photons.direction, np.cos(angle), rng.uniform(0, 2 * np.pi, len(photons)))
        made.append(Pool.of(photons.position, direction, kinetic, photons.time, photons.particle))
    return made


def _compton(rng: np.random.Generator, photons: Pool) -> tuple[Pool, Pool]:
    """Scatter photons by the Klein-Nishina formula (rejection); return the electrons and the scattered photons."""
    k = photons.kinetic / _M
    share = np.ones(len(photons))  # of the energy that the scattered photon keeps
    waiting = np.arange(len(photons))
    while len(waiting):
        kw = k[waiting]
        low = 1 / (1 + 2 * kw)
        # 1/e and e parts of (1/e + e)(1 - e sin^2 / (1 + e^2)), the decomposition of Butcher and Messel.
        a1, a2 = -np.log(low), 0.5 * (1 - low**2)
        first = rng.uniform(size=len(waiting)) * (a1 + a2) < a1
        u = rng.uniform(size=len(waiting))
        tried = np.where(first, low**u, np.sqrt(low**2 + u * (1 - low**2)))
        t = (1 - tried) / (kw * tried)
        accept = rng.uniform(size=len(waiting)) < 1 - tried * t * (2 - t) / (1 + tried**2)
        share[waiting[accept]] = tried[accept]
        waiting = waiting[~accept]
    cos_photon = 1 - (1 - share) / (k * share)
    phi = rng.uniform(0, 2 * np.pi, len(photons))
    scattered = turned(photons.direction, np.clip(cos_photon, -1, 1), phi)
    recoil = photons.kinetic[:, None] * (photons.direction - share[:, None] * scattered)
    recoil /= np.maximum(np.linalg.norm(recoil, axis=1, keepdims=True), 1e-9)
    electron = Pool.of(photons.position, recoil, photons.kinetic * (1 - share), photons.time, photons.particle)
    photon = Pool.of(photons.position, scattered, photons.kinetic * share, photons.time, photons.particle, True)
    return electron, photon


def _step(rng: np.random.Generator, settings: SimulationSettings, electrons: Pool) -> tuple[Steps, Pool, Pool]:
    """Move every electron by one step; return the deposits, the electrons still under way and the photons radiated."""
    n = len(electrons)
    kinetic = np.maximum(electrons.kinetic, 1e-6)
    length = np.where(kinetic > SHORT_BELOW_MEV, STEP_MM, SHORT_STEP_MM)
    loss = collision_loss(np.maximum(kinetic, CUT_MEV)) * length / 10
    if settings.effects.straggling:
        xi = matter.K_MEV_CM2 / 2 * matter.Z_OVER_A * matter.DENSITY_G_PER_CM3 * length / 10
        # Moyal's form with the mean kept: its mean is 1.27 xi above the mode.
        loss = np.maximum(loss - xi * (1.27 + np.log(np.maximum(rng.standard_normal(n) ** 2, 1e-30))), 0.3 * loss)
    ends = (kinetic <= CUT_MEV) | (loss >= kinetic)
    energy = np.where(ends, kinetic, loss)
    length = np.where(ends, np.minimum(length, length * energy / np.maximum(loss, 1e-9)), length)
    steps = Steps(
        electrons.position + 0.5 * length[:, None] * electrons.direction, energy, length, electrons.time, electrons.particle
    )
    alive = electrons[~ends]
    alive.position = alive.position + length[~ends][:, None] * alive.direction
    alive.kinetic = alive.kinetic - energy[~ends]
    if settings.effects.multiple_scattering and len(alive):
        angle = np.minimum(matter.scattering_angle(np.maximum(alive.kinetic, CUT_MEV), _M, length[~ends]), 1.0)
        polar = np.minimum(np.hypot(*(rng.standard_normal((2, len(alive))) * angle)), np.pi)
        alive.direction = turned(alive.direction, np.cos(polar), rng.uniform(0, 2 * np.pi, len(alive)))
    return steps, alive, _radiate(rng, alive, length[~ends])


def _radiate(rng: np.random.Generator, electrons: Pool, length: np.ndarray) -> Pool:
    """Draw bremsstrahlung photons above 1 MeV, spectrum (4/3 - 4/3 y + y^2) / k; the electrons lose what they radiate."""
    least = BREMSSTRAHLUNG_MIN_MEV
    above = np.maximum(electrons.kinetic / least, 1.0)
    chance = length / matter.RADIATION_LENGTH_MM * 4 / 3 * np.log(above)
    energy = least * above ** rng.uniform(size=len(electrons))
    y = energy / np.maximum(electrons.kinetic, 1e-9)
    radiates = (rng.uniform(size=len(electrons)) < chance * (1 - y + 0.75 * y**2)) & (energy < electrons.kinetic)
    photon = electrons[radiates]
    photon.kinetic, photon.photon = energy[radiates], np.ones(radiates.sum(), bool)
    electrons.kinetic = electrons.kinetic - np.where(radiates, energy, 0)
    return photon
