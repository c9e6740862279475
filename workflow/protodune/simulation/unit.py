"""One event of a unit: from drifted electrons to digits and truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from protodune.detector.model import Detector, Plane, Unit, Wires
from protodune.detector.response import kernel, margin_ticks, pulser_kernel, response_spectrum
from protodune.simulation.conditions import channel_conditions
from protodune.simulation.drift import Arrivals, WireCharge, charge_on_wires, drift
from protodune.simulation.noise import coherent_noise
from protodune.simulation.readout import ac_coupled, digitise, tail_ticks
from protodune.simulation.settings import SimulationSettings
from protodune.simulation.steps import Steps

MIN_TRUTH_ELECTRONS = 10.0


@dataclass
class PlaneImage:
    """One plane: ``adc`` int16 and ``clean`` int16 counts (channels, ticks), ``n_ticks`` int64 and ``pedestal`` float32
    (channels,), true charge as row, tick, particle (int) and electrons (float32) columns."""

    adc: np.ndarray
    clean: np.ndarray
    n_ticks: np.ndarray
    pedestal: np.ndarray
    charge_row: np.ndarray
    charge_tick: np.ndarray
    electrons: np.ndarray
    particle: np.ndarray


def induced(charge: WireCharge, plane: Plane, wires: Wires, ticks: int) -> tuple[np.ndarray, np.ndarray]:
    """Convolve the charge on wires with the response, neighbours included.

    Returns the wires that see something (n,) and their signal in ADC, float32 (n, ticks), nominal gain.
    """
    margin, reach = margin_ticks(plane.tick_us), plane.field.reach
    length = scipy.fft.next_fast_len(ticks + 2 * margin, real=True)
    hit = np.unique(charge.wire)
    if len(hit) == 0:
        return hit, np.zeros((0, ticks), np.float32)
    place = np.searchsorted(hit, charge.wire) * length + charge.tick + margin
    grid = np.bincount(place, weights=charge.electrons, minlength=len(hit) * length).reshape(len(hit), length)
    spectrum = scipy.fft.rfft(grid.astype(np.float32), axis=1)
    near = np.unique(np.clip(hit[:, None] + np.arange(-reach, reach + 1), 0, wires.n_wires - 1))
    total = np.zeros((len(near), spectrum.shape[1]), np.complex64)
    for shift in range(-reach, reach + 1):
        there = hit + shift
        inside = (there >= 0) & (there < wires.n_wires)
        total[np.searchsorted(near, there[inside])] += spectrum[inside] * response_spectrum(plane, abs(shift), length)
    return near, scipy.fft.irfft(total, length, axis=1)[:, margin : margin + ticks]


def largest_contributors(key: np.ndarray, electrons: np.ndarray, particle: np.ndarray) -> tuple[np.ndarray, ...]:
    """Add up contributions by ``key`` (n,), int64; return the keys, ascending, their sums and the particle that gave
    most."""
    if len(key) == 0:
        return key, electrons, particle
    n_particles = int(particle.max()) + 1
    both = key * n_particles + particle
    order = np.argsort(both, kind="stable")
    both = both[order]
    starts = np.flatnonzero(np.diff(both, prepend=-1))
    part = np.add.reduceat(electrons[order], starts)
    pixel, who = np.divmod(both[starts], n_particles)
    first = np.flatnonzero(np.diff(pixel, prepend=-1))
    most = np.maximum.reduceat(part, first)
    is_most = part == np.repeat(most, np.diff(first, append=len(pixel)))
    # Where two gave the same the one with the lower number counts.
    winner = np.flatnonzero(is_most)
    _, chosen = np.unique(pixel[winner], return_index=True)
    return pixel[first], np.add.reduceat(part, first), who[winner[chosen]]


def simulate_unit(
    rng: np.random.Generator,
    detector: Detector,
    unit: Unit,
    steps: Steps,
    electrons: np.ndarray,
    ticks: int,
    settings: SimulationSettings,
) -> dict[str, PlaneImage]:
    """Simulate the planes of one unit for ``ticks``; the same deposits and generator state give the same bytes."""
    faces = [unit.facing]
    if settings.effects.wall_side and unit.wall_wires_x_mm is not None:
        faces += [face for face in next(iter(unit.planes.values())).wires if face != unit.facing]
    arrivals = {face: drift(detector, unit, face, steps, electrons, settings) for face in faces}
    on = settings.effects.coherent_noise
    shared = coherent_noise(rng, detector, unit, ticks, settings) if on else dict.fromkeys(unit.planes)
    return {
        name: _plane_image(rng, detector, plane, arrivals, shared[name], ticks, settings)
        for name, plane in unit.planes.items()
    }


def _plane_image(
    rng: np.random.Generator,
    detector: Detector,
    plane: Plane,
    arrivals: dict[int, Arrivals],
    shared: np.ndarray | None,
    ticks: int,
    settings: SimulationSettings,
) -> PlaneImage:
    conditions = channel_conditions(detector, plane, settings)
    signal, (key, amount, particle) = _collected(plane, arrivals, ticks)
    if settings.content == "pulses":
        key, amount, particle = _inject_pulses(signal, plane, settings)
    signal *= conditions.gain[:, None]
    # The noise-free digits would saturate as the noisy ones do.
    pedestal = conditions.pedestal[:, None]
    clean = np.rint(np.clip(signal, -pedestal, plane.electronics.adc_max - pedestal) / detector.adc_per_count).astype(
        np.int16
    )
    tail = tail_ticks(plane, settings) if settings.effects.tails else None
    if tail is not None:
        signal = ac_coupled(signal, _charge_before(plane, arrivals, tail) * conditions.gain, tail)
    adc, n_ticks = digitise(rng, signal, detector, plane, shared, conditions, settings)
    kept = amount >= MIN_TRUTH_ELECTRONS
    row, tick = np.divmod(key[kept], ticks)
    return PlaneImage(adc, clean, n_ticks, conditions.pedestal, row, tick, amount[kept].astype(np.float32), particle[kept])


def _collected(plane: Plane, arrivals: dict[int, Arrivals], ticks: int) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Return the signal of a plane at nominal gain, float32 (channels, ticks), ADC, and the true charge: row * ticks + tick,
    electrons and the particle that gave most."""
    margin = margin_ticks(plane.tick_us)
    signal = np.zeros((plane.n_channels, ticks), np.float32)
    keys, amounts, particles = [], [], []
    for face, arrived in arrivals.items():
        wires = plane.wires[face]
        charge = charge_on_wires(arrived, wires, -margin, ticks + margin)
        seen, on_wires = induced(charge, plane, wires, ticks)
        # Wires of one channel lie in different parts of the face; within a part rows do not repeat.
        for first in range(0, wires.n_wires, wires.modulus):
            part = (seen >= first) & (seen < first + wires.modulus)
            signal[wires.row(seen[part])] += on_wires[part]
        read = (charge.tick >= 0) & (charge.tick < ticks)
        keys.append(wires.row(charge.wire[read]) * ticks + charge.tick[read])
        amounts.append(charge.electrons[read])
        particles.append(charge.particle[read])
    return signal, largest_contributors(*map(np.concatenate, (keys, amounts, particles)))


def _charge_before(plane: Plane, arrivals: dict[int, Arrivals], tail: float) -> np.ndarray:
    """Return ADC tick of collected charge before the readout, weighted with exp(t / tau), float64 (channels,); ``tail``: tau
    in ticks.

    Induction pulses have no net area, so only collection wires remember.
    """
    total = np.zeros(plane.n_channels)
    if not plane.collects:
        return total
    area = kernel(plane, 0)[0].sum()
    margin = margin_ticks(plane.tick_us)
    for face, arrived in arrivals.items():
        wires = plane.wires[face]
        wire = np.rint(wires.coordinate(arrived.y_mm, arrived.z_mm)).astype(np.int64)
        early = (arrived.tick < -margin) & (wire >= 0) & (wire < wires.n_wires)
        weight = arrived.electrons[early] * np.exp(arrived.tick[early] / tail) * area
        total += np.bincount(wires.row(wire[early]), weights=weight, minlength=len(total))
    return total


def _inject_pulses(signal: np.ndarray, plane: Plane, settings: SimulationSettings) -> tuple[np.ndarray, ...]:
    """Put pulses of known charge on the amplifiers of all channels, as a pulser does; return key, electrons, particle."""
    n, ticks = signal.shape
    sizes = np.array(settings.pulse_electrons)
    samples, first = pulser_kernel(plane)
    at = np.arange(settings.pulse_period_ticks // 2, ticks, settings.pulse_period_ticks)
    charge = sizes[(np.arange(n)[:, None] + np.arange(len(at))) % len(sizes)]
    for column, tick in enumerate(at):
        length = min(len(samples), ticks - tick - first)
        signal[:, tick + first : tick + first + length] += charge[:, column, None] * samples[:length].astype(np.float32)
    key = (np.arange(n)[:, None] * ticks + at).ravel()
    return key, charge.ravel(), np.full(key.size, -1, np.int64)
