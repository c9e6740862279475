"""Liquid argon: energy loss, range, scattering and recombination of charged particles.

Mean energy loss by Bethe's formula with Sternheimer's density correction, most probable loss by Landau's (PDG Review,
passage of particles through matter); recombination by the modified box model (ArgoNeuT, JINST 8 P08005) or Birks' law
(ICARUS, NIM A 523 (2004) 275).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

DENSITY_G_PER_CM3 = 1.396
Z_OVER_A = 18 / 39.948
EXCITATION_MEV = 188e-6
K_MEV_CM2 = 0.307075
RADIATION_LENGTH_MM = 140.0
IONISATION_EV = 23.6
ELECTRON_MEV, MUON_MEV, PION_MEV, PI0_MEV, PROTON_MEV = 0.510999, 105.658, 139.570, 134.977, 938.272
PION_INTERACTION_MM, PROTON_INTERACTION_MM = 1070.0, 857.0

_STERNHEIMER = (5.2146, 0.2, 3.0, 0.19559, 3.0)  # C, x0, x1, a, k
_BOX_A, _BOX_B = 0.930, 0.212  # B in (kV/cm)(g/cm2)/MeV
_BIRKS_A, _BIRKS_K = 0.800, 0.0486  # k in (kV/cm)(g/cm2)/MeV


def momentum(kinetic_mev: np.ndarray, mass_mev: float) -> np.ndarray:
    """Return the momentum in MeV/c; shape of the input."""
    return np.sqrt(kinetic_mev * (kinetic_mev + 2 * mass_mev))


def _kinematics(kinetic: np.ndarray, mass: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    gamma = 1 + kinetic / mass
    beta2 = 1 - 1 / gamma**2
    largest = 2 * ELECTRON_MEV * beta2 * gamma**2 / (1 + 2 * gamma * ELECTRON_MEV / mass + (ELECTRON_MEV / mass) ** 2)
    return gamma, beta2, largest


def density_correction(beta_gamma: np.ndarray) -> np.ndarray:
    """Return Sternheimer's density correction delta; shape of the input."""
    c, x0, x1, a, k = _STERNHEIMER
    x = np.log10(beta_gamma)
    delta = 2 * np.log(10) * x - c
    return np.where(x < x0, 0.0, np.where(x < x1, delta + a * np.maximum(x1 - x, 0) ** k, delta))


def mean_loss(kinetic_mev: np.ndarray, mass_mev: float) -> np.ndarray:
    """Return Bethe's mean energy loss in MeV/cm of a particle of unit charge heavier than the electron."""
    gamma, beta2, largest = _kinematics(kinetic_mev, mass_mev)
    log = 0.5 * np.log(2 * ELECTRON_MEV * beta2 * gamma**2 * largest / EXCITATION_MEV**2)
    bracket = log - beta2 - density_correction(np.sqrt(beta2) * gamma) / 2
    return K_MEV_CM2 * Z_OVER_A * DENSITY_G_PER_CM3 / beta2 * np.maximum(bracket, 0.5)


def landau(kinetic_mev: np.ndarray, mass_mev: float, length_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the most probable energy loss in MeV over ``length_mm`` and Landau's width parameter xi in MeV."""
    gamma, beta2, _ = _kinematics(kinetic_mev, mass_mev)
    xi = K_MEV_CM2 / 2 * Z_OVER_A * DENSITY_G_PER_CM3 * length_mm / 10 / beta2
    log = np.log(2 * ELECTRON_MEV * beta2 * gamma**2 / EXCITATION_MEV) + np.log(xi / EXCITATION_MEV)
    return xi * (log + 0.2 - beta2 - density_correction(np.sqrt(beta2) * gamma)), xi


def largest_transfer(kinetic_mev: np.ndarray, mass_mev: float) -> np.ndarray:
    """Return the largest kinetic energy in MeV that a collision gives to an electron."""
    return _kinematics(kinetic_mev, mass_mev)[2]


@lru_cache(maxsize=8)
def _range_table(mass_mev: float) -> tuple[np.ndarray, np.ndarray]:
    kinetic = np.geomspace(0.01, 1e6, 3000)
    loss = mean_loss(kinetic, mass_mev)
    step = np.diff(kinetic) * 0.5 * (1 / loss[1:] + 1 / loss[:-1])
    return kinetic, 10 * np.concatenate([[kinetic[0] / loss[0]], kinetic[0] / loss[0] + np.cumsum(step)])


def range_mm(kinetic_mev: float, mass_mev: float) -> float:
    """Return the range in mm (continuous slowing down)."""
    return float(np.interp(kinetic_mev, *_range_table(mass_mev)))


def energy_at_range(residual_mm: np.ndarray, mass_mev: float) -> np.ndarray:
    """Return the kinetic energy in MeV of a particle that has this range left; inverse of ``range_mm``."""
    kinetic, length = _range_table(mass_mev)
    return np.interp(residual_mm, length, kinetic)


def scattering_angle(kinetic_mev: np.ndarray, mass_mev: float, length_mm: np.ndarray | float) -> np.ndarray:
    """Return the rms projected angle of multiple scattering in rad: Highland's formula."""
    p = momentum(kinetic_mev, mass_mev)
    beta = p / (kinetic_mev + mass_mev)
    thickness = length_mm / RADIATION_LENGTH_MM
    return 13.6 / (beta * p) * np.sqrt(thickness) * np.maximum(1 + 0.038 * np.log(thickness / beta**2), 0.3)


def recombination(dedx_mev_per_cm: np.ndarray, field_kv_per_cm: float, model: str = "box") -> np.ndarray:
    """Return the fraction of electrons that escape recombination; ``model`` box, birks or none."""
    if model == "none":
        return np.ones_like(dedx_mev_per_cm)
    density = np.maximum(dedx_mev_per_cm, 1e-3) / (DENSITY_G_PER_CM3 * field_kv_per_cm)
    if model == "birks":
        return _BIRKS_A / (1 + _BIRKS_K * density)
    # Below 1 MeV/cm the box model's logarithm turns over; no particle ionises less.
    b = _BOX_B * np.maximum(density, 1 / (DENSITY_G_PER_CM3 * field_kv_per_cm))
    return np.log(_BOX_A + b) / b
