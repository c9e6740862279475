"""Every constant of the simulation that a user may change; sources in docs/physics.md."""

from __future__ import annotations

from dataclasses import dataclass

from protodune.errors import ProtoduneError
from protodune.geometry import N_APAS, READOUT_TICKS


@dataclass(frozen=True)
class SimulationSettings:
    """Physics of one simulated event; lengths in mm, times in us, noise in ADC."""

    ticks: int = READOUT_TICKS
    tracks_per_apa: int = 12
    mpv_mev_per_cm: float = 1.7
    landau_width_mev_per_cm: float = 0.10
    field_kv_per_cm: float = 0.5
    lifetime_us: float = 35000.0
    longitudinal_diffusion_cm2_per_s: float = 7.2
    transverse_diffusion_cm2_per_s: float = 12.0
    incoherent_noise: float = 1.0
    channel_noise_spread: float = 0.1
    coherent_noise: float = 1.0
    induction_pedestal_adc: float = 2350.0
    collection_pedestal_adc: float = 900.0
    pedestal_spread_adc: float = 20.0

    def __post_init__(self):
        positive = ("ticks", "mpv_mev_per_cm", "field_kv_per_cm", "lifetime_us")
        for name in positive:
            if getattr(self, name) <= 0:
                raise ProtoduneError(f"simulation.{name}: found {getattr(self, name)}, expected a number above 0")
        for name, value in vars(self).items():
            if name not in positive and value < 0:
                raise ProtoduneError(f"simulation.{name}: found {value}, expected 0 or more")


@dataclass(frozen=True)
class SampleSettings:
    """One simulated sample: ``events`` events, each with the listed APAs, from one seed."""

    sample: str
    seed: int
    events: int
    apas: tuple[int, ...]
    simulation: SimulationSettings
    run: int = 1

    def __post_init__(self):
        wrong = [a for a in self.apas if not 0 <= a < N_APAS]
        if wrong or not self.apas:
            raise ProtoduneError(f"sample {self.sample}: apas {list(self.apas)}, expected numbers from 0 to {N_APAS - 1}")
        if self.events < 1:
            raise ProtoduneError(f"sample {self.sample}: {self.events} events, expected at least 1")
