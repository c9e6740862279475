"""One APA-event: from ionisation electrons to digits and truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from scipy.special import ndtr

from protodune.geometry import (
    ADC_MAX,
    DRIFT_SPEED_MM_PER_US,
    PLANES,
    TICK_US,
    WIRE_PLANES,
    WirePlane,
    drift_facing_face,
)
from protodune.rawio.events import CLEAN_ADC_PER_COUNT
from protodune.simulation.noise import COHERENT_GAIN_SPREAD, coherent_noise, incoherent_noise
from protodune.simulation.response import WIRE_REACH, response_spectrum
from protodune.simulation.settings import SimulationSettings
from protodune.simulation.tracks import Depositions, cosmic_segments, deposit

MARGIN_TICKS = 128  # the response reaches 80 ticks back and 32 ticks on
SPLAT_WIRES, SPLAT_TICKS = 1, 6  # half widths of the deposited Gaussian; 6 ticks are 2.7 sigma at full drift
MIN_TRUTH_ELECTRONS = 10.0
_CM2_PER_S_TO_MM2_PER_US = 1e-4


@dataclass
class PlaneImage:
    """One plane: ``adc`` int16 and ``clean`` int16 counts (channels, ticks), pedestal float32 (channels,), true charge as
    row, tick (int) and electrons (float32) columns."""

    adc: np.ndarray
    clean: np.ndarray
    pedestal: np.ndarray
    charge_row: np.ndarray
    charge_tick: np.ndarray
    electrons: np.ndarray


@dataclass
class Arrivals:
    """Electrons at the wire planes, all (n,): y, z in mm, tick, widths along time (ticks) and pitch (mm), electrons."""

    y_mm: np.ndarray
    z_mm: np.ndarray
    tick: np.ndarray
    sigma_tick: np.ndarray
    sigma_mm: np.ndarray
    electrons: np.ndarray


def drift(depositions: Depositions, settings: SimulationSettings) -> Arrivals:
    """Drift electrons to the wires: attenuation exp(-t/lifetime), diffusion sqrt(2 D t)."""
    time_us = depositions.drift_mm / DRIFT_SPEED_MM_PER_US
    d_long = settings.longitudinal_diffusion_cm2_per_s * _CM2_PER_S_TO_MM2_PER_US
    d_trans = settings.transverse_diffusion_cm2_per_s * _CM2_PER_S_TO_MM2_PER_US
    return Arrivals(
        depositions.y_mm,
        depositions.z_mm,
        depositions.t0_tick + time_us / TICK_US,
        np.sqrt(2 * d_long * time_us) / DRIFT_SPEED_MM_PER_US / TICK_US,
        np.sqrt(2 * d_trans * time_us),
        depositions.electrons * np.exp(-time_us / settings.lifetime_us),
    )


def _bin_shares(centre: np.ndarray, sigma: np.ndarray, half: int) -> tuple[np.ndarray, np.ndarray]:
    """Return bins (n, 2 half + 1), int, around each centre (bin b covers [b - 0.5, b + 0.5)) and the Gaussian's share in
    each, normalised to one."""
    middle = np.floor(centre + 0.5).astype(np.int64)
    bins = middle[:, None] + np.arange(-half, half + 1)
    edges = (np.arange(-half, half + 2) - 0.5)[None, :] + (middle - centre)[:, None]
    share = np.diff(ndtr(edges / np.maximum(sigma, 1e-3)[:, None]), axis=1)
    return bins, share / share.sum(axis=1, keepdims=True)


def charge_on_wires(arrivals: Arrivals, wires: WirePlane, length: int) -> np.ndarray:
    """Return electrons a wire and tick, float32 (n_wires, length); tick 0 is column MARGIN_TICKS."""
    wire = wires.wire_coordinate(arrivals.y_mm, arrivals.z_mm, 0)
    keep = (wire > -1) & (wire < wires.n_wires)
    keep &= (arrivals.tick > -MARGIN_TICKS + SPLAT_TICKS) & (arrivals.tick < length - MARGIN_TICKS - SPLAT_TICKS - 1)
    wire_bin, wire_share = _bin_shares(wire[keep], arrivals.sigma_mm[keep] / wires.pitch_mm, SPLAT_WIRES)
    # Tick k covers [k, k + 1), so its centre is k + 0.5.
    tick_bin, tick_share = _bin_shares(arrivals.tick[keep] - 0.5, arrivals.sigma_tick[keep], SPLAT_TICKS)
    weight = arrivals.electrons[keep, None, None] * wire_share[:, :, None] * tick_share[:, None, :]
    index = wire_bin[:, :, None] * length + (tick_bin + MARGIN_TICKS)[:, None, :]
    inside = np.broadcast_to(((wire_bin >= 0) & (wire_bin < wires.n_wires))[:, :, None], index.shape)
    grid = np.bincount(index[inside], weights=weight[inside], minlength=wires.n_wires * length)
    return grid.reshape(wires.n_wires, length).astype(np.float32)


def _induce(charge: np.ndarray, plane: str) -> np.ndarray:
    """Convolve the charge on wires with the response, neighbours included: float32 (n_wires, length), ADC."""
    n_wires, length = charge.shape
    near = np.convolve(charge.any(axis=1), np.ones(2 * WIRE_REACH + 1), mode="same") > 0
    spectrum = scipy.fft.rfft(charge, axis=1)
    padded = np.pad(spectrum, ((WIRE_REACH, WIRE_REACH), (0, 0)))
    total = np.zeros_like(spectrum)
    for shift in range(-WIRE_REACH, WIRE_REACH + 1):
        total += padded[WIRE_REACH + shift : WIRE_REACH + shift + n_wires] * response_spectrum(plane, abs(shift), length)
    signal = np.zeros_like(charge)
    signal[near] = scipy.fft.irfft(total[near], length, axis=1)
    return signal


def _onto_channels(on_wires: np.ndarray, wires: WirePlane, n_channels: int) -> np.ndarray:
    """Add up the wires that one channel reads: (n_channels, ticks)."""
    image = np.zeros((n_channels, on_wires.shape[1]), on_wires.dtype)
    for first in range(0, wires.n_wires, wires.modulus):
        part = np.arange(first, min(first + wires.modulus, wires.n_wires))
        image[wires.row(part)] += on_wires[part]
    return image


def simulate_apa(rng: np.random.Generator, apa: int, settings: SimulationSettings) -> dict[str, PlaneImage]:
    """Simulate the three planes of one APA-event; the same generator state gives the same bytes."""
    arrivals = drift(deposit(rng, cosmic_segments(rng, settings), settings), settings)
    shared = coherent_noise(rng, settings.ticks, settings)
    return {plane: _plane_image(rng, plane, apa, arrivals, shared[plane], settings) for plane in PLANES}


def _plane_image(
    rng: np.random.Generator, plane: str, apa: int, arrivals: Arrivals, shared: np.ndarray, settings: SimulationSettings
) -> PlaneImage:
    info, wires = PLANES[plane], WIRE_PLANES[drift_facing_face(apa), plane]
    length = scipy.fft.next_fast_len(settings.ticks + 2 * MARGIN_TICKS, real=True)
    readout = slice(MARGIN_TICKS, MARGIN_TICKS + settings.ticks)
    charge = charge_on_wires(arrivals, wires, length)
    clean = _onto_channels(_induce(charge, plane)[:, readout], wires, info.n_channels)
    truth = _onto_channels(charge[:, readout], wires, info.n_channels)
    clean_counts = np.clip(np.rint(clean / CLEAN_ADC_PER_COUNT), -32767, 32767).astype(np.int16)

    nominal = settings.collection_pedestal_adc if plane == "X" else settings.induction_pedestal_adc
    pedestal = (nominal + settings.pedestal_spread_adc * rng.standard_normal(info.n_channels)).astype(np.float32)
    gain = (1 + COHERENT_GAIN_SPREAD * rng.standard_normal(info.n_channels)).astype(np.float32)
    signal = incoherent_noise(rng, plane, settings.ticks, settings)
    signal += np.repeat(shared, info.group_size, axis=0) * gain[:, None]
    signal += clean
    signal += pedestal[:, None]
    adc = np.clip(np.rint(signal, out=signal), 0, ADC_MAX).astype(np.int16)
    row, tick = np.nonzero(truth >= MIN_TRUTH_ELECTRONS)
    return PlaneImage(adc, clean_counts, pedestal, row, tick, truth[row, tick])
