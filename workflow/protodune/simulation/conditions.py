"""The state of a detector's channels: pedestal, gain, noise level, dead, noisy and sticky ones; the same in every event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protodune.detector.geometry import FEMB_302_APA, FEMB_302_TICKS, PLANES, READOUT_TICKS, femb_of_group
from protodune.simulation.settings import SimulationSettings

_MIN_LEVEL = 0.2


@dataclass
class Conditions:
    """One plane of an APA, all (channels,): pedestal in ADC, relative gain, noise relative to the spectrum, gain of the
    coherent noise (float32), dead (bool), probability that a code sticks (float32), slow clock (bool)."""

    pedestal: np.ndarray
    gain: np.ndarray
    noise: np.ndarray
    coherent_gain: np.ndarray
    dead: np.ndarray
    sticky: np.ndarray
    slow: np.ndarray


def channel_conditions(plane: str, apa: int, settings: SimulationSettings) -> Conditions:
    """Return the state of a plane's channels; it depends on ``detector_seed``, plane and APA, not on the event."""
    n, on = PLANES[plane].n_channels, settings.effects
    rng = np.random.default_rng([settings.detector_seed, apa, PLANES[plane].first])

    def spread(width: float, used: bool) -> np.ndarray:
        draw = rng.standard_normal(n)  # drawn in any case, so that a switch changes nothing else
        return 1 + width * draw if used else np.ones(n)

    nominal = settings.collection_pedestal_adc if plane == "X" else settings.induction_pedestal_adc
    pedestal = nominal + (spread(1.0, on.pedestal_spread) - 1) * settings.pedestal_spread_adc
    gain = spread(settings.gain_spread, on.gain_spread)
    noise = np.maximum(spread(settings.channel_noise_spread, on.channel_noise_spread), _MIN_LEVEL)
    coherent_gain = spread(settings.coherent_gain_spread, on.coherent_noise)
    dead, noisy, sticky = (rng.uniform(size=n) for _ in range(3))
    low, high = np.log(settings.sticky_probability)
    probability = np.exp(rng.uniform(low, high, n)) * ((sticky < settings.sticky_fraction) & on.sticky_codes)
    noise = np.where((noisy < settings.noisy_fraction) & on.noisy_channels, settings.noisy_factor * noise, noise)
    return Conditions(
        pedestal.astype(np.float32),
        gain.astype(np.float32),
        noise.astype(np.float32),
        coherent_gain.astype(np.float32),
        (dead < settings.dead_fraction) & on.dead_channels,
        probability.astype(np.float32),
        _slow_rows(plane, apa) & on.femb302,
    )


def _slow_rows(plane: str, apa: int) -> np.ndarray:
    board = femb_of_group(plane) == 2 if apa == FEMB_302_APA else np.zeros(PLANES[plane].n_groups, bool)
    return np.repeat(board, PLANES[plane].group_size)


def slow_ticks(ticks: int) -> int:
    """Return how many ticks a board with the slower clock reads while the others read ``ticks``."""
    return round(ticks * FEMB_302_TICKS / READOUT_TICKS)
