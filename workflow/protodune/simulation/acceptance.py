"""Acceptance checks of the embedded simulation: ten properties that a detector's wires must show (docs/physics.md).

Each check simulates what it needs with the code of every other sample and returns what it found beside what is accepted, and
the points to draw.  What is expected is published for ProtoDUNE-SP; another detector needs an ``Expected`` of its own.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import scipy.fft

from protodune.core.errors import ProtoduneError
from protodune.detector.model import Detector, Plane, Unit
from protodune.events.types import RawEvent
from protodune.simulation.drift import charge_on_wires, drift
from protodune.simulation.events import simulate_event
from protodune.simulation.noise import mean_amplitude
from protodune.simulation.settings import SampleSettings, SimulationSettings
from protodune.simulation.steps import Steps

UNIT = 1
"""The unit that is simulated."""


@dataclass(frozen=True)
class Expected:
    """What is published of a detector, by plane or family.

    ``area``: collection integral in ADC tick per 1000 electrons; ``noise_adc``: rms of the incoherent noise;
    ``mip_peaks_adc``: largest and smallest value of minimum ionising tracks (5146 e/mm, drift 1.8 m) by theta_xz in degrees,
    in the plane of drift and pitch, for each plane in turn (largest only on collection); ``signal_to_noise``: range for
    isochronous tracks; ``raw_adc`` noise with the coherent part and the ``cleaned_adc`` it must fall below, by family.
    """

    area: float
    noise_adc: Mapping[str, float]
    mip_peaks_adc: Mapping[int, tuple[float, ...]]
    signal_to_noise: Mapping[str, tuple[float, float]]
    raw_adc: Mapping[str, float]
    cleaned_adc: Mapping[str, float]


EXPECTED = {
    "protodune_sp": Expected(
        area=41.6,
        noise_adc={"U": 4.29, "V": 4.29, "X": 3.71},
        # U+, U-, V+, V-, X+; from the full Garfield response, all impact positions and 21 wires.
        mip_peaks_adc={
            0: (45.9, -53.2, 52.4, -59.9, 110.6), 10: (44.0, -51.8, 50.3, -57.3, 114.0),
            20: (40.3, -49.1, 44.5, -50.3, 122.3), 30: (35.3, -44.3, 36.6, -42.0, 129.4),
            45: (26.5, -34.5, 25.6, -29.7, 138.7), 60: (18.0, -23.6, 16.0, -18.9, 143.3),
            70: (12.7, -16.1, 11.0, -12.6, 145.4), 75: (10.0, -12.2, 8.5, -9.7, 146.1),
            80: (6.9, -8.2, 5.8, -6.6, 146.5), 82: (5.6, -6.7, 4.6, -5.4, 146.6), 85: (3.4, -4.3, 2.8, -3.5, 146.7),
        },
        signal_to_noise={"U": (9, 17), "V": (11, 20), "X": (25, 45)},
        raw_adc={"induction": 5.4, "collection": 4.9},
        cleaned_adc={"induction": 4.2, "collection": 3.5},
    )
}  # fmt: skip


@dataclass(frozen=True)
class Bench:
    """What the checks work with: the detector, and what takes coherent noise off the waveforms of a plane, float32
    (channels, ticks), ADC."""

    detector: Detector
    remove_coherent_noise: Callable[[np.ndarray, Plane], np.ndarray]

    @property
    def unit(self) -> Unit:
        """The unit that is simulated."""
        return self.detector.units[UNIT]

    @property
    def expected(self) -> Expected:
        """What is published of this detector."""
        if self.detector.name not in EXPECTED:
            raise ProtoduneError(
                f"detector {self.detector.name}: nothing is known to check its simulation against; add an Expected to "
                "protodune/simulation/acceptance.py"
            )
        return EXPECTED[self.detector.name]

    @property
    def collection(self) -> str:
        """Name of the collection plane."""
        return self.unit.of_family("collection")[0].name

    def sample(self, seed: int, number: int, settings: SimulationSettings, *others: int) -> SampleSettings:
        """Return a sample of ``number`` events of the unit, and of ``others``."""
        return SampleSettings("acceptance", seed, number, (*others, UNIT), settings, detector=self.detector.name)

    def rows(self, plane: str) -> slice:
        """Return where an event of this unit alone holds the channels of a plane."""
        first = self.unit.planes[plane].first_channel - self.unit.first_channel
        return slice(first, first + self.unit.planes[plane].n_channels)

    def ideal(self, plane: str, number: int = 1, effects: dict | None = None, **changes) -> RawEvent:
        """Simulate ideal tracks without noise, attenuation and fluctuations but those asked for."""
        switches = {"straggling": False, "attenuation": False, "wall_side": False, **(effects or {})}
        settings = {
            "content": "ideal_tracks", "ideal_plane": plane, "ideal_drift_mm": 1800.0, "ideal_tracks_per_unit": 1, **changes,
        }  # fmt: skip
        return simulate_event(self.sample(1, number, SimulationSettings.of_preset("clean", switches, **settings)), number)

    def noise(self, effects: dict, number: int = 1) -> RawEvent:
        """Simulate a readout without particles."""
        return simulate_event(
            self.sample(2, number, SimulationSettings.of_preset("clean", effects, content="noise")), number
        )

    def clean(self, event: RawEvent, plane: str) -> np.ndarray:
        """Return the waveforms of a plane without noise, float32 (channels, ticks), ADC."""
        return event.clean[self.rows(plane)] * np.float32(self.detector.adc_per_count)

    def noise_of(self, event: RawEvent, plane: str) -> np.ndarray:
        """Return the digits of a plane less the pedestal, float32 (channels, ticks), ADC."""
        return event.adc[self.rows(plane)] - event.pedestal[self.rows(plane), None]

    def charge(self, event: RawEvent, plane: str) -> np.ndarray:
        """Return the true charge of each row of a plane in electrons, float64 (channels,)."""
        info = self.unit.planes[plane]
        row = event.charge.channel.astype(np.int64) - info.first_channel
        inside = (row >= 0) & (row < info.n_channels)
        return np.bincount(row[inside], weights=event.charge.electrons[inside], minlength=info.n_channels)

    def middle_wires(self, event: RawEvent, plane: str) -> np.ndarray:
        """Return the rows of wires that the track crosses completely, without those whose neighbours it does not."""
        charge = self.charge(event, plane)
        rows = np.flatnonzero(charge > 0.98 * np.median(charge[charge > 0.5 * charge.max()]))
        return rows[3:-3]


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


def mip_peaks(bench: Bench, plane: str, theta_deg: float) -> tuple[float, float]:
    """Return the largest and smallest value in ADC of a minimum ionising track, mean over the wires it crosses."""
    event = bench.ideal(plane, ideal_theta_xz_deg=(float(theta_deg),))
    waveforms = bench.clean(event, plane)[bench.middle_wires(event, plane)]
    return float(waveforms.max(axis=1).mean()), float(waveforms.min(axis=1).mean())


def collection_area(bench: Bench) -> Findings:
    """1: the collection integral is the pulser calibration."""
    found, plane, wanted = Findings(), bench.collection, bench.expected.area
    for theta in (0.0, 45.0, 75.0):
        event = bench.ideal(plane, ideal_theta_xz_deg=(theta,))
        rows = bench.middle_wires(event, plane)
        area = 1000 * bench.clean(event, plane)[rows].sum() / bench.charge(event, plane)[rows].sum()
        found.checks.append(
            Check(1, f"collection area at {theta:.0f} deg", area, wanted * 0.99, wanted * 1.01, "ADC tick/ke")
        )
    return found


def induction_area(bench: Bench) -> Findings:
    """2: induction pulses have next to no net area."""
    found = Findings()
    for plane in (p.name for p in bench.unit.of_family("induction")):
        event = bench.ideal(plane, ideal_theta_xz_deg=(0.0,))
        waveforms = bench.clean(event, plane)[bench.middle_wires(event, plane)]
        share = abs(waveforms.sum()) / np.abs(waveforms).sum()
        found.checks.append(Check(2, f"net over absolute area, {plane}", float(share), 0.0, 0.01, ""))
    return found


def incoherent_noise(bench: Bench) -> Findings:
    """3: the noise has the measured rms; its spectrum is drawn."""
    found, event = Findings(), bench.noise({"incoherent_noise": True})
    for plane, info in bench.unit.planes.items():
        noise = bench.noise_of(event, plane)
        rms, expected = float(noise.std()), bench.expected.noise_adc[plane]
        found.checks.append(Check(3, f"noise rms, {plane}", rms, 0.98 * expected, 1.02 * expected, "ADC"))
        frequency = scipy.fft.rfftfreq(noise.shape[1], info.tick_us)
        amplitude = np.abs(scipy.fft.rfft(noise[::10], axis=1)).mean(axis=0) / info.electronics.adc_per_mv
        wanted = mean_amplitude(info.noise, noise.shape[1], info.tick_us)
        for part in np.array_split(np.arange(5, len(frequency)), 60):
            found.points.append(
                Point("noise spectrum", plane, 1000 * frequency[part].mean(), amplitude[part].mean(), wanted[part].mean())
            )
    return found


def signal_to_noise(bench: Bench) -> Findings:
    """4: isochronous tracks stand out of the noise as published; the peaks against the drift are drawn."""
    found = Findings()
    for plane, (low, high) in bench.expected.signal_to_noise.items():
        for distance in (100.0, 1000.0, 1500.0, 2000.0, 3400.0):
            event = bench.ideal(plane, ideal_theta_xz_deg=(0.0,), ideal_drift_mm=distance)
            peak = float(np.median(np.abs(bench.clean(event, plane)[bench.middle_wires(event, plane)]).max(axis=1)))
            found.points.append(Point("peak against drift", plane, distance, peak))
            if 1000 <= distance <= 2000:
                name = f"signal to noise, {plane}, drift {distance / 1000:.1f} m"
                found.checks.append(Check(4, name, peak / bench.expected.noise_adc[plane], low, high, ""))
    return found


def prolonged_tracks(bench: Bench) -> Findings:
    """5: induction pulses vanish along the drift; the peaks against theta_xz are drawn."""
    found = Findings()
    for theta, table in bench.expected.mip_peaks_adc.items():
        tabulated = iter(table)
        for plane, info in bench.unit.planes.items():
            for sign, value in zip("+-"[: 1 if info.collects else 2], mip_peaks(bench, plane, theta), strict=False):
                found.points.append(Point("peak against theta_xz", plane + sign, theta, value, next(tabulated)))
                if theta == 80 and not info.collects:
                    sigma = abs(value) / bench.expected.noise_adc[plane]
                    found.checks.append(Check(5, f"peak at 80 deg over noise, {plane}{sign}", sigma, 0.0, 2.5, ""))
    return found


def coherent_noise(bench: Bench) -> Findings:
    """6: the low-pass filter and the median of the boards take the coherent noise away."""
    found = Findings()
    event = bench.noise(
        {"incoherent_noise": True, "coherent_noise": True, "channel_noise_spread": True, "pedestal_spread": True}
    )
    for plane, info in bench.unit.planes.items():
        raw_adc, most = bench.expected.raw_adc[info.family], bench.expected.cleaned_adc[info.family]
        noise = bench.noise_of(event, plane).astype(np.float32)
        cleaned = bench.remove_coherent_noise(noise, info)
        found.checks.append(Check(6, f"raw noise, {plane}", float(noise.std()), 0.93 * raw_adc, 1.07 * raw_adc, "ADC"))
        found.checks.append(Check(6, f"noise after removal, {plane}", float(cleaned.std()), 0.0, most, "ADC"))
        for series, image in (("raw", noise), ("cleaned", cleaned)):
            counts, edges = np.histogram(image.std(axis=1), bins=40, range=(2, 8))
            for count, edge in zip(counts, edges[:-1], strict=True):
                found.points.append(Point(f"noise of the channels, {plane}", series, edge + 0.075, count))
    return found


def attenuation(bench: Bench) -> Findings:
    """7: charge falls as exp(-t / lifetime)."""
    found, lifetime, plane = Findings(), 3000.0, bench.collection
    times, charges = [], []
    for distance in (100.0, 800.0, 1500.0, 2200.0, 2900.0, 3500.0):
        event = bench.ideal(
            plane, effects={"attenuation": True}, ideal_theta_xz_deg=(0.0,), ideal_drift_mm=distance, lifetime_us=lifetime
        )
        rows = bench.middle_wires(event, plane)
        times.append(distance / bench.detector.drift_speed_mm_per_us)
        charges.append(float(np.median(bench.clean(event, plane)[rows].sum(axis=1))))
    slope = np.polyfit(times, np.log(charges), 1)[0]
    found.checks.append(
        Check(7, "lifetime from the charge against the drift", -1 / slope, 0.97 * lifetime, 1.03 * lifetime, "us")
    )
    first = charges[0] * math.exp(times[0] / lifetime)
    found.points += [
        Point("attenuation", plane, t, c, first * math.exp(-t / lifetime)) for t, c in zip(times, charges, strict=True)
    ]
    return found


def diffusion(bench: Bench) -> Findings:
    """8: the width of collection pulses grows with the longitudinal diffusion."""
    found, wanted, plane = Findings(), SimulationSettings().longitudinal_diffusion_cm2_per_s, bench.collection
    speed, tick_us = bench.detector.drift_speed_mm_per_us, bench.detector.tick_us
    times, widths = [], []
    for distance in (100.0, 800.0, 1500.0, 2200.0, 2900.0, 3500.0):
        event = bench.ideal(plane, ideal_theta_xz_deg=(0.0,), ideal_drift_mm=distance)
        pulse = bench.clean(event, plane)[bench.middle_wires(event, plane)].astype(np.float64)
        centre = int(np.median(pulse.argmax(axis=1)))
        window = slice(max(centre - 80, 0), centre + 40)
        tick = np.arange(pulse.shape[1])[window]
        weight = pulse[:, window].sum(axis=0)
        mean = (weight * tick).sum() / weight.sum()
        times.append(distance / speed)
        widths.append(float((weight * (tick - mean) ** 2).sum() / weight.sum()) * tick_us**2)
    slope, start = np.polyfit(times, widths, 1)
    constant = slope / 2 * speed**2 * 1e4
    found.checks.append(
        Check(8, "longitudinal diffusion from pulse widths", constant, 0.95 * wanted, 1.05 * wanted, "cm2/s")
    )
    expected = 2 * wanted * 1e-4 / speed**2
    found.points += [Point("pulse width", plane, t, w, start + expected * t) for t, w in zip(times, widths, strict=True)]
    return found


def three_planes(bench: Bench) -> Findings:
    """9: the wires that a point of charge meets on the three planes cross where the point is."""
    found, rng, settings = Findings(), np.random.default_rng(3), SimulationSettings.of_preset("clean")
    unit, worst = bench.unit, 0.0
    first, second, last = (plane.facing_wires for plane in unit.planes.values())
    for _ in range(50):
        point = np.array([[1800.0 * unit.side, rng.uniform(300, 5800), rng.uniform(100, 2200)]])
        steps = Steps(point, np.ones(1), np.ones(1), np.zeros(1), np.ones(1, np.int32))
        arrived = drift(bench.detector, unit, unit.facing, steps, np.array([1e5]), settings)
        met = []
        for wires in (first, second, last):
            charge = charge_on_wires(arrived, wires, 0, bench.detector.readout_ticks)
            met.append(float((charge.wire * charge.electrons).sum() / charge.electrons.sum()))
        pitch = [wires.first_mm + wire * wires.pitch_mm for wires, wire in zip((first, second), met[:2], strict=True)]
        y, z = np.linalg.solve(np.array([first.normal, second.normal]), pitch)
        worst = max(worst, abs(float(last.coordinate(np.array(y), np.array(z))) - met[2]))
    found.checks.append(Check(9, "largest disagreement of 50 points", worst, 0.0, 1.0, "wires"))
    return found


def determinism(bench: Bench) -> Findings:
    """10: the same seed gives the same bytes, another seed others."""

    def digest(seed: int) -> str:
        event = simulate_event(bench.sample(seed, 1, SimulationSettings(ticks=600, cosmics_per_unit=12), 0), 1)
        parts = (event.adc, event.clean, event.charge.electrons, event.charge.track, event.particles)
        return hashlib.sha256(b"".join(np.ascontiguousarray(p).tobytes() for p in parts)).hexdigest()

    first = digest(1)
    return Findings(
        [
            Check(10, "same seed, same bytes", float(digest(1) == first), 1.0, 1.0, ""),
            Check(10, "other seed, other bytes", float(digest(2) != first), 1.0, 1.0, ""),
        ]
    )


CHECKS: tuple[Callable[[Bench], Findings], ...] = (
    collection_area, induction_area, incoherent_noise, signal_to_noise, prolonged_tracks, coherent_noise, attenuation,
    diffusion, three_planes, determinism,
)  # fmt: skip
"""The ten checks, in order."""
