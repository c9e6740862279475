"""What tracks and showers leave: energy in short steps, and directions in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protodune.detector.model import Detector


@dataclass
class Steps:
    """Energy deposits, all (n, ...): position (n, 3) in mm in detector coordinates, energy in MeV, length of the step in mm,
    time in us after the trigger, and id of the particle (int32)."""

    position: np.ndarray
    energy: np.ndarray
    length: np.ndarray
    time: np.ndarray
    particle: np.ndarray

    def __len__(self) -> int:
        return len(self.energy)

    def __getitem__(self, chosen: np.ndarray) -> Steps:
        """Return the chosen steps."""
        return Steps(*(column[chosen] for column in vars(self).values()))

    @staticmethod
    def join(parts: list[Steps]) -> Steps:
        """Return all steps of all parts."""
        if not parts:
            return Steps(np.zeros((0, 3)), *np.zeros((3, 0)), np.zeros(0, np.int32))
        return Steps(*(np.concatenate([getattr(p, name) for p in parts]) for name in vars(parts[0])))


def inside(detector: Detector, position: np.ndarray) -> np.ndarray:
    """Return which points (n, 3) lie in the argon that any wire can see, bool (n,)."""
    low, high = detector.active_mm
    return ((position >= low) & (position <= high)).all(axis=-1)


def perpendicular(direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two unit vectors across each unit vector, each of the shape (..., 3)."""
    other = np.where(np.abs(direction[..., :1]) < 0.9, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    first = np.cross(direction, other)
    first /= np.linalg.norm(first, axis=-1, keepdims=True)
    return first, np.cross(direction, first)


def turned(direction: np.ndarray, cos_theta: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """Return unit vectors (n, 3) at polar angle theta and azimuth phi (n,) around unit vectors (n, 3)."""
    first, second = perpendicular(direction)
    sin_theta = np.sqrt(np.maximum(1 - cos_theta**2, 0))[:, None]
    around = np.cos(phi)[:, None] * first + np.sin(phi)[:, None] * second
    found = cos_theta[:, None] * direction + sin_theta * around
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def isotropic(rng: np.random.Generator) -> np.ndarray:
    """Return a random direction, (3,)."""
    cos_theta, phi = rng.uniform(-1, 1), rng.uniform(0, 2 * np.pi)
    sin_theta = np.sqrt(1 - cos_theta**2)
    return np.array([sin_theta * np.cos(phi), sin_theta * np.sin(phi), cos_theta])
