"""One APA-event: from drifted electrons to digits and truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from protodune.detector.geometry import ADC_MAX, PLANES, TICK_US, WIRE_PLANES, WirePlane, drift_facing_face
from protodune.events.types import CLEAN_ADC_PER_COUNT
from protodune.detector.response import WIRE_REACH, kernel, pulser_kernel, response_spectrum
from protodune.simulation.conditions import channel_conditions
from protodune.simulation.drift import Arrivals, WireCharge, charge_on_wires, drift
from protodune.simulation.noise import coherent_noise
from protodune.simulation.readout import ac_coupled, digitise, tail_us
from protodune.simulation.settings import SimulationSettings
from protodune.simulation.steps import Steps

MARGIN_TICKS = 128  # the response reaches 80 ticks back and 32 ticks on
MIN_TRUTH_ELECTRONS = 10.0


@dataclass
class PlaneImage:
    """One plane: ``adc`` int16 and ``clean`` int16 counts (channels, ticks), ``n_samples`` int64 and ``pedestal`` float32
    (channels,), true charge as row, tick, particle (int) and electrons (float32) columns."""

    adc: np.ndarray
    clean: np.ndarray
    n_samples: np.ndarray
    pedestal: np.ndarray
    charge_row: np.ndarray
    charge_tick: np.ndarray
    electrons: np.ndarray
    particle: np.ndarray


def induced(charge: WireCharge, plane: str, wires: WirePlane, ticks: int) -> tuple[np.ndarray, np.ndarray]:
    """Convolve the charge on wires with the response, neighbours included.

    Returns the wires that see something (n,) and their signal in ADC, float32 (n, ticks), nominal gain.
    """
    length = scipy.fft.next_fast_len(ticks + 2 * MARGIN_TICKS, real=True)
    hit = np.unique(charge.wire)
    if len(hit) == 0:
        return hit, np.zeros((0, ticks), np.float32)
    place = np.searchsorted(hit, charge.wire) * length + charge.tick + MARGIN_TICKS
    grid = np.bincount(place, weights=charge.electrons, minlength=len(hit) * length).reshape(len(hit), length)
    spectrum = scipy.fft.rfft(grid.astype(np.float32), axis=1)
    near = np.unique(np.clip(hit[:, None] + np.arange(-WIRE_REACH, WIRE_REACH + 1), 0, wires.n_wires - 1))
    total = np.zeros((len(near), spectrum.shape[1]), np.complex64)
    for shift in range(-WIRE_REACH, WIRE_REACH + 1):
        there = hit + shift
        inside = (there >= 0) & (there < wires.n_wires)
        total[np.searchsorted(near, there[inside])] += spectrum[inside] * response_spectrum(plane, abs(shift), length)
    return near, scipy.fft.irfft(total, length, axis=1)[:, MARGIN_TICKS : MARGIN_TICKS + ticks]


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


def simulate_apa(
    rng: np.random.Generator, apa: int, steps: Steps, electrons: np.ndarray, settings: SimulationSettings
) -> dict[str, PlaneImage]:
    """Simulate the three planes of one APA-event; the same deposits and generator state give the same bytes."""
    facing = drift_facing_face(apa)
    faces = (facing, 1 - facing) if settings.effects.wall_side else (facing,)
    arrivals = {face: drift(steps, electrons, apa, face, settings) for face in faces}
    shared = coherent_noise(rng, settings.ticks, settings) if settings.effects.coherent_noise else dict.fromkeys(PLANES)
    return {plane: _plane_image(rng, plane, apa, arrivals, shared[plane], settings) for plane in PLANES}


def _plane_image(
    rng: np.random.Generator,
    plane: str,
    apa: int,
    arrivals: dict[int, Arrivals],
    shared: np.ndarray | None,
    settings: SimulationSettings,
) -> PlaneImage:
    info, ticks = PLANES[plane], settings.ticks
    conditions = channel_conditions(plane, apa, settings)
    signal = np.zeros((info.n_channels, ticks), np.float32)
    keys, amounts, particles = [], [], []
    for face, arrived in arrivals.items():
        wires = WIRE_PLANES[face, plane]
        charge = charge_on_wires(arrived, wires, -MARGIN_TICKS, ticks + MARGIN_TICKS)
        seen, on_wires = induced(charge, plane, wires, ticks)
        # Wires of one channel lie in different thirds of the face; within a third rows do not repeat.
        for first in range(0, wires.n_wires, wires.modulus):
            part = (seen >= first) & (seen < first + wires.modulus)
            signal[wires.row(seen[part])] += on_wires[part]
        read = (charge.tick >= 0) & (charge.tick < ticks)
        keys.append(wires.row(charge.wire[read]) * ticks + charge.tick[read])
        amounts.append(charge.electrons[read])
        particles.append(charge.particle[read])
    key, amount, particle = largest_contributors(*map(np.concatenate, (keys, amounts, particles)))
    if settings.content == "pulses":
        key, amount, particle = _inject_pulses(signal, settings)
    signal *= conditions.gain[:, None]
    # The noise-free digits would saturate as the noisy ones do.
    pedestal = conditions.pedestal[:, None]
    clean = np.rint(np.clip(signal, -pedestal, ADC_MAX - pedestal) / CLEAN_ADC_PER_COUNT).astype(np.int16)
    if settings.effects.tails:
        before = _charge_before(plane, arrivals, settings) * conditions.gain
        signal = ac_coupled(signal, before, plane, settings)
    adc, n_samples = digitise(rng, signal, plane, shared, conditions, settings)
    kept = amount >= MIN_TRUTH_ELECTRONS
    row, tick = np.divmod(key[kept], ticks)
    return PlaneImage(adc, clean, n_samples, conditions.pedestal, row, tick, amount[kept].astype(np.float32), particle[kept])


def _charge_before(plane: str, arrivals: dict[int, Arrivals], settings: SimulationSettings) -> np.ndarray:
    """Return ADC tick of collected charge before the readout, weighted with exp(t / tau), float64 (channels,).

    Induction pulses have no net area, so only collection wires remember.
    """
    total = np.zeros(PLANES[plane].n_channels)
    if plane != "X":
        return total
    area = kernel(plane, 0)[0].sum()
    decay = tail_us(plane, settings) / TICK_US
    for face, arrived in arrivals.items():
        wires = WIRE_PLANES[face, plane]
        wire = np.rint(wires.wire_coordinate(arrived.y_mm, arrived.z_mm, 0)).astype(np.int64)
        early = (arrived.tick < -MARGIN_TICKS) & (wire >= 0) & (wire < wires.n_wires)
        weight = arrived.electrons[early] * np.exp(arrived.tick[early] / decay) * area
        total += np.bincount(wires.row(wire[early]), weights=weight, minlength=len(total))
    return total


def _inject_pulses(signal: np.ndarray, settings: SimulationSettings) -> tuple[np.ndarray, ...]:
    """Put pulses of known charge on the amplifiers of all channels, as a pulser does; return key, electrons, particle."""
    n, ticks = signal.shape
    sizes = np.array(settings.pulse_electrons)
    samples, first = pulser_kernel()
    at = np.arange(settings.pulse_period_ticks // 2, ticks, settings.pulse_period_ticks)
    charge = sizes[(np.arange(n)[:, None] + np.arange(len(at))) % len(sizes)]
    for column, tick in enumerate(at):
        length = min(len(samples), ticks - tick - first)
        signal[:, tick + first : tick + first + length] += charge[:, column, None] * samples[:length].astype(np.float32)
    key = (np.arange(n)[:, None] * ticks + at).ravel()
    return key, charge.ravel(), np.full(key.size, -1, np.int64)
