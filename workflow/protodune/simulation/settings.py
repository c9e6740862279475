"""Every constant of the simulation that a user may change; sources in docs/physics.md."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from protodune.core.errors import ProtoduneError, suggest
from protodune.core.settings import defaults_of
from protodune.detector.registry import DEFAULT, find_detector

CONTENTS = ("cosmic", "beam", "single", "ideal_tracks", "pulses", "noise")
RECOMBINATIONS = ("box", "birks", "none")
SPECIES = ("muon", "antimuon", "pion", "proton", "electron", "positron", "photon")


@dataclass(frozen=True)
class Effects:
    """A switch for each effect; the parameters of those that have some are in SimulationSettings."""

    straggling: bool = True
    multiple_scattering: bool = True
    delta_rays: bool = True
    attenuation: bool = True
    diffusion: bool = True
    wall_side: bool = True
    incoherent_noise: bool = True
    channel_noise_spread: bool = True
    coherent_noise: bool = True
    pedestal_spread: bool = True
    gain_spread: bool = True
    tails: bool = True
    sticky_codes: bool = True
    dead_channels: bool = True
    noisy_channels: bool = True
    slow_board: bool = True


_READOUT_EFFECTS = (
    "incoherent_noise", "channel_noise_spread", "coherent_noise", "pedestal_spread", "gain_spread", "tails", "sticky_codes",
    "dead_channels", "noisy_channels", "slow_board",
)  # fmt: skip
PRESETS: dict[str, tuple[str, ...]] = {
    "clean": _READOUT_EFFECTS,
    "dunedn": tuple(e for e in _READOUT_EFFECTS if e not in ("incoherent_noise", "channel_noise_spread")),
    "realistic": (),
}
"""Presets by name: the effects that each switches off."""


@dataclass(frozen=True)
@defaults_of("simulation")
class SimulationSettings:
    """Physics of one simulated event; the unit is in the name, noise in multiples of the measured one.

    None: as the detector has it (``ticks``: its readout; ``ideal_plane``: the last plane of a unit; pedestals and tails:
    those of its planes).
    """

    preset: str
    content: str
    effects: Effects = field(default_factory=Effects)
    ticks: int | None
    # What crosses the detector.
    cosmics_per_unit: float
    delta_min_mev: float
    beam_species: tuple[str, ...]
    beam_momentum_mev: float
    single_species: tuple[str, ...]
    single_energy_mev: tuple[float, ...]
    ideal_theta_xz_deg: tuple[float, ...]
    ideal_plane: str | None
    ideal_tracks_per_unit: int
    ideal_length_mm: float
    ideal_mev_per_cm: float
    ideal_drift_mm: float
    pulse_electrons: tuple[float, ...]
    pulse_period_ticks: int
    # From ionisation to the wires.
    recombination: str
    field_kv_per_cm: float
    lifetime_us: float
    longitudinal_diffusion_cm2_per_s: float
    transverse_diffusion_cm2_per_s: float
    wall_depth_mm: float
    # Readout.
    incoherent_noise: float
    channel_noise_spread: float
    coherent_noise: float
    coherent_gain_spread: float
    induction_pedestal_adc: float | None
    collection_pedestal_adc: float | None
    pedestal_spread_adc: float
    gain_spread: float
    collection_tail_us: float | None
    induction_tail_us: float | None
    sticky_fraction: float
    sticky_probability: tuple[float, ...]
    dead_fraction: float
    noisy_fraction: float
    noisy_factor: float
    detector_seed: int

    @staticmethod
    def expand(mapping: dict) -> dict:
        """Fill in what the preset switches off, under what ``mapping`` sets itself."""
        preset = mapping.get("preset", "realistic")
        if preset not in PRESETS or not isinstance(mapping.get("effects", {}), dict):
            return mapping  # refused by the checks
        return {**mapping, "effects": {**dict.fromkeys(PRESETS[preset], False), **mapping.get("effects", {})}}

    @classmethod
    def of_preset(cls, preset: str, effects: dict[str, bool] | None = None, **changes) -> SimulationSettings:
        """Return the settings of a preset with changes."""
        _one_of("preset", preset, tuple(PRESETS))
        switches = {**dict.fromkeys(PRESETS[preset], False), **(effects or {})}
        return cls(preset=preset, effects=Effects(**switches), **changes)

    def __post_init__(self):
        _one_of("preset", self.preset, tuple(PRESETS))
        _one_of("content", self.content, CONTENTS)
        _one_of("recombination", self.recombination, RECOMBINATIONS)
        for name in ("beam_species", "single_species"):
            for species in getattr(self, name):
                _one_of(name, species, SPECIES)
        for f in dataclasses.fields(self):
            self._check_number(f.name, getattr(self, f.name))
        _range("ideal_theta_xz_deg", self.ideal_theta_xz_deg, 0, 90)
        for name in ("sticky_fraction", "dead_fraction", "noisy_fraction", "sticky_probability"):
            _range(name, getattr(self, name), 0, 1)
        for name in ("single_energy_mev", "sticky_probability"):
            pair = getattr(self, name)
            if len(pair) != 2 or pair[0] > pair[1]:
                raise ProtoduneError(f"simulation.{name}: found {list(pair)}, expected two numbers, the smaller one first")
        for name in ("beam_species", "single_species", "ideal_theta_xz_deg", "pulse_electrons"):
            if not getattr(self, name):
                raise ProtoduneError(f"simulation.{name}: found an empty list, expected at least one entry")

    def _check_number(self, name: str, value: object) -> None:
        positive = name in _POSITIVE
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, str | bool) or not isinstance(number, int | float):
                continue
            if not number >= 0 or (positive and number == 0) or number == float("inf"):
                raise ProtoduneError(
                    f"simulation.{name}: found {number}, expected a number {'above 0' if positive else 'of 0 or more'}"
                )


_POSITIVE = {
    "ticks", "delta_min_mev", "beam_momentum_mev", "single_energy_mev", "ideal_length_mm", "ideal_mev_per_cm",
    "pulse_period_ticks", "field_kv_per_cm", "lifetime_us", "collection_tail_us", "induction_tail_us", "sticky_probability",
}  # fmt: skip


def _one_of(name: str, value: str, options: tuple[str, ...]) -> None:
    if value not in options:
        raise ProtoduneError(
            f"simulation.{name}: found '{value}', expected {' | '.join(options)}{suggest(str(value), list(options))}"
        )


def _range(name: str, value: float | tuple[float, ...], low: float, high: float) -> None:
    for number in value if isinstance(value, tuple) else (value,):
        if not low <= number <= high:
            raise ProtoduneError(f"simulation.{name}: found {number}, expected a number from {low} to {high}")


MAX_EVENTS = 2**31 - 1
"""Event numbers are stored as 32-bit numbers."""


@dataclass(frozen=True)
class SampleSettings:
    """One simulated sample: ``events`` events of a ``detector`` (by name), each with the listed ``units``, from one seed."""

    sample: str
    seed: int
    events: int
    units: tuple[int, ...]
    simulation: SimulationSettings
    run: int = 1
    detector: str = DEFAULT

    def __post_init__(self):
        detector = find_detector(self.detector)
        last = len(detector.units) - 1
        if not self.units or any(not 0 <= unit <= last for unit in self.units):
            raise ProtoduneError(
                f"sample {self.sample}: units {list(self.units)}, expected numbers from 0 to {last} ({detector.title})"
            )
        if len(set(self.units)) < len(self.units):
            raise ProtoduneError(f"sample {self.sample}: units {list(self.units)}, expected each unit once")
        if not 1 <= self.events <= MAX_EVENTS:
            raise ProtoduneError(f"sample {self.sample}: {self.events} events, expected 1 to {MAX_EVENTS}")
        if self.seed < 0:
            raise ProtoduneError(f"sample {self.sample}: seed {self.seed}, expected 0 or more")
        if self.simulation.ideal_plane is not None:
            _one_of("ideal_plane", self.simulation.ideal_plane, detector.plane_names)

    @property
    def ticks(self) -> int:
        """Length of the readout in ticks."""
        return self.simulation.ticks or find_detector(self.detector).readout_ticks

    @property
    def ideal_plane(self) -> str:
        """The plane in whose pitch direction ideal tracks lie."""
        return self.simulation.ideal_plane or find_detector(self.detector).plane_names[-1]
