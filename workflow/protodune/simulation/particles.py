"""From what a sample shall contain to particles and their energy deposits in the whole detector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from protodune.detector.model import Detector, Unit
from protodune.detector.registry import find_detector
from protodune.events.types import CLASS_DELTA, CLASS_MICHEL, CLASS_SHOWER, CLASS_TRACK, PARTICLE_DTYPE, THETA_COLUMNS
from protodune.simulation import matter
from protodune.simulation.settings import SampleSettings, SimulationSettings
from protodune.simulation.showers import Pool, shower
from protodune.simulation.steps import Steps, isotropic, turned
from protodune.simulation.tracks import follow

MUON_LIFETIME_US = 2.197
BOUND_MUON_LIFETIME_US, BOUND_DECAY_SHARE = 0.56, 0.26
"""Negative muons in argon: most are captured, the others decay early."""
MICHEL_MAX_MEV = 52.3
_MAX_TRACK_MM = 12000.0
_SPECIES = {
    "muon": (13, matter.MUON_MEV), "antimuon": (-13, matter.MUON_MEV), "pion": (211, matter.PION_MEV),
    "proton": (2212, matter.PROTON_MEV), "electron": (11, matter.ELECTRON_MEV), "positron": (-11, matter.ELECTRON_MEV),
    "photon": (22, 0.0),
}  # fmt: skip


@dataclass
class Truth:
    """An event before drift: ``particles`` (PARTICLE_DTYPE) and ``steps`` in detector coordinates."""

    particles: np.ndarray
    steps: Steps


@dataclass
class _Event:
    """An event in the making."""

    rng: np.random.Generator
    detector: Detector
    settings: SimulationSettings
    rows: list[tuple] = field(default_factory=list)
    parts: list[Steps] = field(default_factory=list)
    electrons: list[Pool] = field(default_factory=list)
    interactions: int = 0

    def interaction(self) -> int:
        """Begin a new interaction; return its number."""
        self.interactions += 1
        return self.interactions

    def add(self, species: str, kinetic: float, start, direction, time: float, parent: int, kind: int | None = None) -> None:
        """Add a particle of which nothing more is known than its start, and follow it and its daughters."""
        pdg, mass = _SPECIES[species]
        if species in ("electron", "positron", "photon"):
            index = self.record(pdg, kind or CLASS_SHOWER, kinetic, time, start, direction, start, 0.0, parent)
            self.electrons.append(Pool.of(start, direction, kinetic, time, index, species == "photon"))
            return
        reach, hadron = _MAX_TRACK_MM, species in ("pion", "proton")
        if hadron:
            mean_path = matter.PION_INTERACTION_MM if species == "pion" else matter.PROTON_INTERACTION_MM
            reach = self.rng.exponential(mean_path)
        index = len(self.rows) + 1
        track = follow(self.rng, self.detector, self.settings, mass, kinetic, start, direction, reach, time, index)
        self.record(pdg, kind or CLASS_TRACK, kinetic, time, start, direction, track.end, track.length, parent)
        self.parts.append(track.steps)
        self._add_deltas(track.deltas, time, index)
        if hadron and track.kinetic > 0 and abs(track.length - reach) < 1e-6:
            self._interact(species, track.kinetic, track.end, track.direction, time, index)
        elif track.kinetic == 0:
            self._stop(species, track.end, time, index)

    def record(self, pdg, kind, kinetic, time, start, direction, end, length, parent) -> int:
        """Enter a particle in the list; return its id."""
        index = len(self.rows) + 1
        primary = self.rows[parent - 1][2] if parent else index
        interaction = self.rows[parent - 1][3] if parent else self.interactions
        angles = theta_xz(self.detector, np.asarray(direction), float(start[0]))
        self.rows.append(
            (index, parent, primary, interaction, pdg, kind, kinetic, time, *start, *direction, *end, length, *angles)
        )
        return index

    def _add_deltas(self, deltas, time: float, parent: int) -> None:
        first = len(self.rows) + 1
        for position, direction, kinetic in zip(deltas.position, deltas.direction, deltas.kinetic, strict=True):
            self.record(11, CLASS_DELTA, kinetic, time, position, direction, position, 0.0, parent)
        if len(deltas.kinetic):
            ids = np.arange(first, first + len(deltas.kinetic))
            self.electrons.append(Pool.of(deltas.position, deltas.direction, deltas.kinetic, time, ids))

    def _interact(self, species: str, kinetic: float, where, direction, time: float, parent: int) -> None:
        """A hadron meets a nucleus: a kink, or a few protons and one particle that goes on."""
        rng = self.rng
        if rng.uniform() < 0.3:
            self.add(species, 0.9 * kinetic, where, self._near(direction, 10, 60), time, parent)
            return
        left = kinetic
        for _ in range(1 + rng.poisson(1.0)):
            energy = min(20 + rng.exponential(60.0), 0.5 * left)
            left -= energy
            self.add("proton", energy, where, self._near(direction, 0, 120), time, parent)
        if left < 50:
            return
        fate, energy = rng.uniform(), left * rng.uniform(0.3, 0.9)
        if species == "proton":
            self.add("proton", energy, where, self._near(direction, 2, 30), time, parent)
        elif fate < 0.5:
            self.add("pion", energy, where, self._near(direction, 5, 60), time, parent)
        elif fate < 0.75:
            self._neutral_pion(energy, where, self._near(direction, 5, 60), time, parent)

    def _neutral_pion(self, kinetic: float, where, direction, time: float, parent: int) -> None:
        """Two photons, back to back in the pion's frame."""
        energy = kinetic + matter.PI0_MEV
        velocity = np.sqrt(1 - (matter.PI0_MEV / energy) ** 2)
        cos_star, phi = self.rng.uniform(-1, 1), self.rng.uniform(0, 2 * np.pi)
        for sign in (1, -1):
            photon = energy / 2 * (1 + sign * velocity * cos_star)
            cos_lab = (sign * cos_star + velocity) / (1 + sign * velocity * cos_star)
            turn = np.array([phi + (0 if sign > 0 else np.pi)])
            self.add("photon", photon, where, turned(direction[None], np.array([cos_lab]), turn)[0], time, parent)

    def _stop(self, species: str, where, time: float, parent: int) -> None:
        """A pion decays to a muon at rest; a muon decays to an electron, unless a nucleus captures it before."""
        rng = self.rng
        if species == "pion":
            self.add("antimuon", 4.12, where, isotropic(rng), time, parent)
        elif species == "antimuon" or (species == "muon" and rng.uniform() < BOUND_DECAY_SHARE):
            lifetime = MUON_LIFETIME_US if species == "antimuon" else BOUND_MUON_LIFETIME_US
            electron = "positron" if species == "antimuon" else "electron"
            self.add(
                electron, michel_energy(rng), where, isotropic(rng), time + rng.exponential(lifetime), parent, CLASS_MICHEL
            )

    def _near(self, direction, least_deg: float, most_deg: float) -> np.ndarray:
        cos_theta = np.cos(np.deg2rad(self.rng.uniform(least_deg, most_deg, 1)))
        return turned(np.asarray(direction)[None], cos_theta, self.rng.uniform(0, 2 * np.pi, 1))[0]

    def finish(self) -> Truth:
        """Follow all electrons and photons; return the whole event."""
        self.parts.append(shower(self.rng, self.detector, self.settings, Pool.join(self.electrons)))
        return Truth(np.array(self.rows, PARTICLE_DTYPE), Steps.join(self.parts))


def theta_xz(detector: Detector, direction: np.ndarray, x: float) -> tuple[float, ...]:
    """Return theta_xz of a direction (3,) on the first three planes in degrees, NaN where there are fewer: atan |dx/dw|, w
    along the pitch of the wires that read the drift volume at this x; 0 is parallel to the wire planes, 90 along the
    drift."""
    planes = list(detector.unit_at(x).planes.values())[: len(THETA_COLUMNS)]
    normals = [plane.facing_wires.normal for plane in planes]
    along = [abs(direction[1] * n[0] + direction[2] * n[1]) for n in normals]
    angles = tuple(float(np.rad2deg(np.arctan2(abs(direction[0]), w))) for w in along)
    return angles + (float("nan"),) * (len(THETA_COLUMNS) - len(angles))


def michel_energy(rng: np.random.Generator) -> float:
    """Draw the kinetic energy in MeV of a muon's electron: spectrum x^2 (3 - 2x)."""
    while True:
        x = rng.uniform()
        if rng.uniform() < x * x * (3 - 2 * x):
            return MICHEL_MAX_MEV * x


def cosmic_energy(rng: np.random.Generator, cos_zenith: float) -> float:
    """Draw a muon's kinetic energy in MeV at sea level: dN/dE ~ (E + 3.64 GeV / cos^1.29)^-2.7 (arXiv:1509.06176)."""
    offset = 3640.0 / max(cos_zenith, 0.05) ** 1.29
    return min(offset * ((1 - rng.uniform()) ** (-1 / 1.7) - 1), 9e5)


# Mean of |n_x|, |n_y|, |n_z| over directions with density cos^2(zenith).
_MEAN_ACROSS, _MEAN_DOWN = 0.375, 0.75


def mean_area(size: np.ndarray) -> float:
    """Return the mean projected area of a box (3,) seen by muons whose directions have density cos^2(zenith)."""
    sides = np.array([size[1] * size[2], size[0] * size[2], size[0] * size[1]])
    return float(sides @ [_MEAN_ACROSS, _MEAN_DOWN, _MEAN_ACROSS])


def cosmic_ray(rng: np.random.Generator, detector: Detector) -> tuple[np.ndarray, np.ndarray]:
    """Draw where a muon enters the argon and its direction, each (3,).

    Intensity ~ cos^2(zenith): directions weighted with the area that the detector shows them, then a point on that area.
    """
    low, high = detector.active_mm
    size = high - low
    sides = np.array([size[1] * size[2], size[0] * size[2], size[0] * size[1]])
    most = np.linalg.norm(sides)
    while True:
        cos_zenith, phi = rng.uniform() ** (1 / 3), rng.uniform(0, 2 * np.pi)
        sin_zenith = np.sqrt(1 - cos_zenith**2)
        direction = np.array([sin_zenith * np.cos(phi), -cos_zenith, sin_zenith * np.sin(phi)])
        shown = sides * np.abs(direction)
        if rng.uniform() * most < shown.sum():
            break
    axis = int(np.searchsorted(np.cumsum(shown) / shown.sum(), rng.uniform()))
    point = rng.uniform(low, high)
    point[axis] = low[axis] if direction[axis] > 0 else high[axis]
    return point, direction


def _cosmics(event: _Event, sample: SampleSettings, number: int) -> None:
    """Muons whose charge can reach the readout: their number is such that ``cosmics_per_unit`` cross each drift volume."""
    settings, rng, detector = event.settings, event.rng, event.detector
    unit, (low, high) = detector.units[0], detector.active_mm
    volume = np.array([detector.max_drift_mm, np.ptp(unit.y_range_mm), np.ptp(unit.z_range_mm)])
    mean = settings.cosmics_per_unit * mean_area(high - low) / mean_area(volume)
    first = -detector.trigger_tick * detector.tick_us - detector.max_drift_mm / detector.drift_speed_mm_per_us
    last = (sample.ticks - detector.trigger_tick) * detector.tick_us
    for _ in range(rng.poisson(mean)):
        event.interaction()
        point, direction = cosmic_ray(rng, detector)
        # 1.27 positive muons per negative one at sea level.
        species = "antimuon" if rng.uniform() < 1.27 / 2.27 else "muon"
        event.add(species, cosmic_energy(rng, -direction[1]), point, direction, rng.uniform(first, last), 0)


def _beam(event: _Event, sample: SampleSettings, number: int) -> None:
    """A beam particle at the trigger, species in turn, over cosmic muons."""
    settings, detector = event.settings, event.detector
    event.interaction()
    species = settings.beam_species[(number - 1) % len(settings.beam_species)]
    mass = _SPECIES[species][1]
    kinetic = float(np.hypot(settings.beam_momentum_mev, mass) - mass)
    direction = np.array(detector.beam_direction) / np.linalg.norm(detector.beam_direction)
    event.add(species, kinetic, np.array(detector.beam_entry_mm), direction, 0.0, 0)
    _cosmics(event, sample, number)


def _single(event: _Event, sample: SampleSettings, number: int) -> None:
    """One particle, species in turn, somewhere in the volume of one of the sample's units, in any direction."""
    rng, settings, detector = event.rng, event.settings, event.detector
    event.interaction()
    species = settings.single_species[(number - 1) % len(settings.single_species)]
    unit = detector.units[sample.units[int(rng.integers(len(sample.units)))]]
    inner = rng.uniform(0.25, 0.75, 3)
    drift = inner[0] * detector.max_drift_mm
    start = _in_volume(unit, drift, inner[1], inner[2])
    # At the trigger, as beam would come; in a readout too short for the drift, so that it arrives in the middle.
    middle = (sample.ticks / 2 - detector.trigger_tick) * detector.tick_us - drift / detector.drift_speed_mm_per_us
    time = 0.0 if sample.ticks >= detector.readout_ticks else middle
    event.add(species, rng.uniform(*settings.single_energy_mev), start, isotropic(rng), time, 0)


def _in_volume(unit: Unit, drift: float, y_share: float, z_share: float) -> np.ndarray:
    """Return the point (3,) at a drift distance in mm and at shares of the wires' y and z range."""
    x = (unit.drift_wires_x_mm - drift) * unit.side
    y = unit.y_range_mm[0] + y_share * np.ptp(unit.y_range_mm)
    z = unit.z_range_mm[0] + z_share * np.ptp(unit.z_range_mm) + unit.z_mm
    return np.array([x, y, z])


def _ideal_tracks(event: _Event, sample: SampleSettings, number: int) -> None:
    """Straight tracks of constant ionisation in the plane of drift and pitch of one wire plane, angles in turn."""
    rng, settings, detector = event.rng, event.settings, event.detector
    turn = (number - 1) * settings.ideal_tracks_per_unit
    length = settings.ideal_length_mm
    n = max(1, round(length))
    tick_us, speed = detector.tick_us, detector.drift_speed_mm_per_us
    for unit in (detector.units[number] for number in sorted(sample.units)):
        normal = unit.planes[sample.ideal_plane].facing_wires.normal
        for k in range(settings.ideal_tracks_per_unit):
            angle = np.deg2rad(settings.ideal_theta_xz_deg[(turn + k) % len(settings.ideal_theta_xz_deg)])
            sign = rng.choice([-1.0, 1.0])
            direction = np.array([sign * np.sin(angle), np.cos(angle) * normal[0], np.cos(angle) * normal[1]])
            reach = length / 2 * np.abs(direction)
            room = [np.ptp(unit.y_range_mm), np.ptp(unit.z_range_mm)]
            shares = [rng.uniform(min(r / s, 0.5), max(1 - r / s, 0.5)) for r, s in zip(reach[1:], room, strict=True)]
            drift = settings.ideal_drift_mm or rng.uniform(reach[0], max(detector.max_drift_mm - reach[0], reach[0]))
            # The middle of the track arrives where the whole of it is read.
            half = reach[0] / speed + 50
            arrival = rng.uniform(min(half, sample.ticks * tick_us / 2), max(sample.ticks * tick_us - half, half))
            time = arrival - drift / speed - detector.trigger_tick * tick_us
            centre = _in_volume(unit, drift, *shares)
            along = (np.arange(n) + 0.5) / n * length - length / 2
            event.interaction()
            energy = settings.ideal_mev_per_cm * length / 10
            start = centre - length / 2 * direction
            end = centre + length / 2 * direction
            index = event.record(13, CLASS_TRACK, energy, time, start, direction, end, length, 0)
            event.parts.append(
                Steps(
                    centre + along[:, None] * direction, np.full(n, energy / n), np.full(n, length / n), np.full(n, time),
                    np.full(n, index, np.int32),
                )
            )  # fmt: skip


def _nothing(event: _Event, sample: SampleSettings, number: int) -> None:
    """No particle: noise, or pulses that the readout injects."""


_CONTENTS: dict[str, Callable[[_Event, SampleSettings, int], None]] = {
    "cosmic": _cosmics, "beam": _beam, "single": _single, "ideal_tracks": _ideal_tracks, "pulses": _nothing,
    "noise": _nothing,
}  # fmt: skip


def make_event(rng: np.random.Generator, sample: SampleSettings, number: int) -> Truth:
    """Return the particles and deposits of event ``number`` (from 1) of a sample."""
    event = _Event(rng, find_detector(sample.detector), sample.simulation)
    _CONTENTS[sample.simulation.content](event, sample, number)
    return event.finish()
