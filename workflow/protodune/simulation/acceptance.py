"""Acceptance checks of the embedded simulation: ten properties that ProtoDUNE-SP's wires must show (docs/physics.md).

Each check simulates what it needs with the code of every other sample and returns what it found beside what is accepted, and
the points to draw.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import scipy.fft

from protodune.classical.coherent import low_pass, remove_coherent_noise
from protodune.detector.geometry import DRIFT_SPEED_MM_PER_US, PLANES, TICK_US, WIRE_PLANES, drift_facing_face
from protodune.events.types import CLEAN_ADC_PER_COUNT, RawEvent
from protodune.simulation.drift import charge_on_wires, drift
from protodune.simulation.events import simulate_event
from protodune.simulation.noise import noise_amplitude
from protodune.simulation.settings import SampleSettings, SimulationSettings
from protodune.simulation.steps import Steps

APA = 1
NOISE_ADC = {"U": 4.29, "V": 4.29, "X": 3.71}
MIP_PEAKS_ADC = {
    0: (45.9, -53.2, 52.4, -59.9, 110.6), 10: (44.0, -51.8, 50.3, -57.3, 114.0), 20: (40.3, -49.1, 44.5, -50.3, 122.3),
    30: (35.3, -44.3, 36.6, -42.0, 129.4), 45: (26.5, -34.5, 25.6, -29.7, 138.7), 60: (18.0, -23.6, 16.0, -18.9, 143.3),
    70: (12.7, -16.1, 11.0, -12.6, 145.4), 75: (10.0, -12.2, 8.5, -9.7, 146.1), 80: (6.9, -8.2, 5.8, -6.6, 146.5),
    82: (5.6, -6.7, 4.6, -5.4, 146.6), 85: (3.4, -4.3, 2.8, -3.5, 146.7),
}  # fmt: skip
"""Largest and smallest sample of minimum ionising tracks (5146 e/mm, drift 1.8 m) by theta_xz in degrees, in the plane of
drift and pitch: U+, U-, V+, V-, X+; from the full Garfield response, all impact positions and 21 wires."""


@dataclass
class Check:
    """One number: what was ``found`` must lie from ``low`` to ``high``."""

    number: int
    name: str
    found: float
    low: float
    high: float
    unit: str

    @property
    def passed(self) -> bool:
        """Whether it does."""
        return self.low <= self.found <= self.high


@dataclass
class Point:
    """A point to draw: ``figure`` and ``series`` it belongs to, expectation beside what was found."""

    figure: str
    series: str
    x: float
    found: float
    expected: float = math.nan


@dataclass
class Findings:
    """What a check found."""

    checks: list[Check] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)


def _ideal(plane: str, number: int = 1, effects: dict | None = None, **changes) -> RawEvent:
    """Simulate ideal tracks without noise, losses and fluctuations but those asked for."""
    switches = {"straggling": False, "attenuation": False, "wall_side": False, **(effects or {})}
    settings = {
        "content": "ideal_tracks",
        "ideal_plane": plane,
        "ideal_drift_mm": 1800.0,
        "ideal_tracks_per_apa": 1,
        **changes,
    }
    return simulate_event(
        SampleSettings("acceptance", 1, number, (APA,), SimulationSettings.of_preset("clean", switches, **settings)), number
    )


def _clean(event: RawEvent, plane: str) -> np.ndarray:
    info = PLANES[plane]
    return event.clean[info.first : info.first + info.n_channels] * np.float32(CLEAN_ADC_PER_COUNT)


def _charge(event: RawEvent, plane: str) -> np.ndarray:
    info, local = PLANES[plane], event.charge.channel.astype(np.int64) % 2560 - PLANES[plane].first
    inside = (local >= 0) & (local < info.n_channels)
    return np.bincount(local[inside], weights=event.charge.electrons[inside], minlength=info.n_channels)


def _middle_wires(event: RawEvent, plane: str) -> np.ndarray:
    """Return the rows of wires that the track crosses completely, without those whose neighbours it does not."""
    charge = _charge(event, plane)
    rows = np.flatnonzero(charge > 0.98 * np.median(charge[charge > 0.5 * charge.max()]))
    return rows[3:-3]


def mip_peaks(plane: str, theta_deg: float) -> tuple[float, float]:
    """Return the largest and smallest sample in ADC of a minimum ionising track, mean over the wires it crosses."""
    event = _ideal(plane, ideal_theta_xz_deg=(float(theta_deg),))
    waveforms = _clean(event, plane)[_middle_wires(event, plane)]
    return float(waveforms.max(axis=1).mean()), float(waveforms.min(axis=1).mean())


def collection_area() -> Findings:
    """1: the collection integral is the pulser calibration."""
    found = Findings()
    for theta in (0.0, 45.0, 75.0):
        event = _ideal("X", ideal_theta_xz_deg=(theta,))
        rows = _middle_wires(event, "X")
        area = 1000 * _clean(event, "X")[rows].sum() / _charge(event, "X")[rows].sum()
        found.checks.append(Check(1, f"collection area at {theta:.0f} deg", area, 41.6 * 0.99, 41.6 * 1.01, "ADC tick/ke"))
    return found


def induction_area() -> Findings:
    """2: induction pulses have next to no net area."""
    found = Findings()
    for plane in "UV":
        event = _ideal(plane, ideal_theta_xz_deg=(0.0,))
        waveforms = _clean(event, plane)[_middle_wires(event, plane)]
        share = abs(waveforms.sum()) / np.abs(waveforms).sum()
        found.checks.append(Check(2, f"net over absolute area, {plane}", float(share), 0.0, 0.01, ""))
    return found


def _noise(effects: dict, number: int = 1) -> RawEvent:
    settings = SimulationSettings.of_preset("clean", effects, content="noise")
    return simulate_event(SampleSettings("acceptance", 2, number, (APA,), settings), number)


def _noise_of(event: RawEvent, plane: str) -> np.ndarray:
    info = PLANES[plane]
    rows = slice(info.first, info.first + info.n_channels)
    return event.adc[rows] - event.pedestal[rows, None]


def incoherent_noise() -> Findings:
    """3: the noise has the measured rms; its spectrum is drawn."""
    found, event = Findings(), _noise({"incoherent_noise": True})
    for plane in PLANES:
        noise = _noise_of(event, plane)
        rms, expected = float(noise.std()), NOISE_ADC[plane]
        found.checks.append(Check(3, f"noise rms, {plane}", rms, 0.98 * expected, 1.02 * expected, "ADC"))
        frequency = scipy.fft.rfftfreq(noise.shape[1], TICK_US)
        amplitude = np.abs(scipy.fft.rfft(noise[::10], axis=1)).mean(axis=0) / 2.925
        wanted = noise_amplitude(plane, frequency)
        for part in np.array_split(np.arange(5, len(frequency)), 60):
            found.points.append(
                Point("noise spectrum", plane, 1000 * frequency[part].mean(), amplitude[part].mean(), wanted[part].mean())
            )
    return found


def signal_to_noise() -> Findings:
    """4: isochronous tracks stand out of the noise as published; the peaks against the drift are drawn."""
    found, windows = Findings(), {"U": (9, 17), "V": (11, 20), "X": (25, 45)}
    for plane, (low, high) in windows.items():
        for distance in (100.0, 1000.0, 1500.0, 2000.0, 3400.0):
            event = _ideal(plane, ideal_theta_xz_deg=(0.0,), ideal_drift_mm=distance)
            peak = float(np.median(np.abs(_clean(event, plane)[_middle_wires(event, plane)]).max(axis=1)))
            found.points.append(Point("peak against drift", plane, distance, peak))
            if 1000 <= distance <= 2000:
                name = f"signal to noise, {plane}, drift {distance / 1000:.1f} m"
                found.checks.append(Check(4, name, peak / NOISE_ADC[plane], low, high, ""))
    return found


def prolonged_tracks() -> Findings:
    """5: induction pulses vanish along the drift; the peaks against theta_xz are drawn."""
    found = Findings()
    for theta, table in MIP_PEAKS_ADC.items():
        for plane, tabulated in zip(PLANES, (table[:2], table[2:4], table[4:]), strict=True):
            for sign, value, expected in zip("+-", mip_peaks(plane, theta), tabulated, strict=False):
                found.points.append(Point("peak against theta_xz", plane + sign, theta, value, expected))
                if theta == 80 and plane != "X":
                    sigma = abs(value) / NOISE_ADC[plane]
                    found.checks.append(Check(5, f"peak at 80 deg over noise, {plane}{sign}", sigma, 0.0, 2.5, ""))
    return found


def coherent_noise() -> Findings:
    """6: the low-pass filter and the median of the boards take the coherent noise away."""
    found = Findings()
    event = _noise({"incoherent_noise": True, "coherent_noise": True, "channel_noise_spread": True, "pedestal_spread": True})
    for plane, info in PLANES.items():
        raw_adc, most = (4.9, 3.5) if plane == "X" else (5.4, 4.2)
        noise = _noise_of(event, plane).astype(np.float32)
        cleaned = remove_coherent_noise(low_pass(noise), info.group_size, np.zeros(info.n_channels, bool))
        found.checks.append(Check(6, f"raw noise, {plane}", float(noise.std()), 0.93 * raw_adc, 1.07 * raw_adc, "ADC"))
        found.checks.append(Check(6, f"noise after removal, {plane}", float(cleaned.std()), 0.0, most, "ADC"))
        for series, image in (("raw", noise), ("cleaned", cleaned)):
            counts, edges = np.histogram(image.std(axis=1), bins=40, range=(2, 8))
            for count, edge in zip(counts, edges[:-1], strict=True):
                found.points.append(Point(f"noise of the channels, {plane}", series, edge + 0.075, count))
    return found


def attenuation() -> Findings:
    """7: charge falls as exp(-t / lifetime)."""
    found, lifetime = Findings(), 3000.0
    times, charges = [], []
    for distance in (100.0, 800.0, 1500.0, 2200.0, 2900.0, 3500.0):
        event = _ideal(
            "X", effects={"attenuation": True}, ideal_theta_xz_deg=(0.0,), ideal_drift_mm=distance, lifetime_us=lifetime
        )
        rows = _middle_wires(event, "X")
        times.append(distance / DRIFT_SPEED_MM_PER_US)
        charges.append(float(np.median(_clean(event, "X")[rows].sum(axis=1))))
    slope = np.polyfit(times, np.log(charges), 1)[0]
    found.checks.append(
        Check(7, "lifetime from the charge against the drift", -1 / slope, 0.97 * lifetime, 1.03 * lifetime, "us")
    )
    first = charges[0] * math.exp(times[0] / lifetime)
    found.points += [
        Point("attenuation", "X", t, c, first * math.exp(-t / lifetime)) for t, c in zip(times, charges, strict=True)
    ]
    return found


def diffusion() -> Findings:
    """8: the width of collection pulses grows with the longitudinal diffusion."""
    found, wanted = Findings(), 7.2
    times, widths = [], []
    for distance in (100.0, 800.0, 1500.0, 2200.0, 2900.0, 3500.0):
        event = _ideal("X", ideal_theta_xz_deg=(0.0,), ideal_drift_mm=distance)
        pulse = _clean(event, "X")[_middle_wires(event, "X")].astype(np.float64)
        centre = int(np.median(pulse.argmax(axis=1)))
        window = slice(max(centre - 80, 0), centre + 40)
        tick = np.arange(pulse.shape[1])[window]
        weight = pulse[:, window].sum(axis=0)
        mean = (weight * tick).sum() / weight.sum()
        times.append(distance / DRIFT_SPEED_MM_PER_US)
        widths.append(float((weight * (tick - mean) ** 2).sum() / weight.sum()) * TICK_US**2)
    slope, start = np.polyfit(times, widths, 1)
    constant = slope / 2 * DRIFT_SPEED_MM_PER_US**2 * 1e4
    found.checks.append(
        Check(8, "longitudinal diffusion from pulse widths", constant, 0.95 * wanted, 1.05 * wanted, "cm2/s")
    )
    expected = 2 * wanted * 1e-4 / DRIFT_SPEED_MM_PER_US**2
    found.points += [Point("pulse width", "X", t, w, start + expected * t) for t, w in zip(times, widths, strict=True)]
    return found


def three_planes() -> Findings:
    """9: the wires that a point of charge meets on the three planes cross where the point is."""
    found, rng, settings = Findings(), np.random.default_rng(3), SimulationSettings.of_preset("clean")
    face, worst = drift_facing_face(APA), 0.0
    for _ in range(50):
        point = np.array([[1800.0, rng.uniform(300, 5800), rng.uniform(100, 2200)]])
        steps = Steps(point, np.ones(1), np.ones(1), np.zeros(1), np.ones(1, np.int32))
        arrived = drift(steps, np.array([1e5]), APA, face, settings)
        met = {}
        for plane in PLANES:
            charge = charge_on_wires(arrived, WIRE_PLANES[face, plane], 0, settings.ticks)
            met[plane] = float((charge.wire * charge.electrons).sum() / charge.electrons.sum())
        u, v, x = (WIRE_PLANES[face, plane] for plane in PLANES)
        pitch = [plane.first_mm + met[name] * plane.pitch_mm for name, plane in zip("UV", (u, v), strict=True)]
        y, z = np.linalg.solve(np.array([u.normal, v.normal]), pitch)
        worst = max(worst, abs(float(x.wire_coordinate(np.array(y), np.array(z), 0)) - met["X"]))
    found.checks.append(Check(9, "largest disagreement of 50 points", worst, 0.0, 1.0, "wires"))
    return found


def determinism() -> Findings:
    """10: the same seed gives the same bytes, another seed others."""

    def digest(seed: int) -> str:
        settings = SimulationSettings(ticks=600, cosmics_per_apa=12)
        event = simulate_event(SampleSettings("acceptance", seed, 1, (0, APA), settings), 1)
        parts = (event.adc, event.clean, event.charge.electrons, event.charge.track, event.particles)
        return hashlib.sha256(b"".join(np.ascontiguousarray(p).tobytes() for p in parts)).hexdigest()

    first = digest(1)
    return Findings(
        [
            Check(10, "same seed, same bytes", float(digest(1) == first), 1.0, 1.0, ""),
            Check(10, "other seed, other bytes", float(digest(2) != first), 1.0, 1.0, ""),
        ]
    )


CHECKS: tuple[Callable[[], Findings], ...] = (
    collection_area, induction_area, incoherent_noise, signal_to_noise, prolonged_tracks, coherent_noise, attenuation,
    diffusion, three_planes, determinism,
)  # fmt: skip
"""The ten checks, in order."""
