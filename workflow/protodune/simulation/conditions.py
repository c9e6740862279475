"""The state of a detector's channels: pedestal, gain, noise level, dead, noisy and sticky ones; the same in every event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protodune.detector.model import Detector, Plane
from protodune.simulation.settings import SimulationSettings

_MIN_LEVEL = 0.2


@dataclass
class Conditions:
    """One plane of a unit, all (channels,): pedestal in ADC, relative gain, noise relative to the spectrum, gain of the
    coherent noise (float32), dead (bool), probability that a code sticks (float32), slow clock (bool)."""

    pedestal: np.ndarray
    gain: np.ndarray
    noise: np.ndarray
    coherent_gain: np.ndarray
    dead: np.ndarray
    sticky: np.ndarray
    slow: np.ndarray


def channel_conditions(detector: Detector, plane: Plane, settings: SimulationSettings) -> Conditions:
    """Return the state of a plane's channels; it depends on ``detector_seed``, plane and unit, not on the event."""
    n, on = plane.n_channels, settings.effects
    first = plane.first_channel - detector.units[plane.unit].first_channel
    rng = np.random.default_rng([settings.detector_seed, plane.unit, first])

    def spread(width: float, used: bool) -> np.ndarray:
        draw = rng.standard_normal(n)  # drawn in any case, so that a switch changes nothing else
        return 1 + width * draw if used else np.ones(n)

    asked = settings.collection_pedestal_adc if plane.collects else settings.induction_pedestal_adc
    nominal = plane.pedestal_adc if asked is None else asked
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
        _slow_rows(detector, plane) & on.slow_board,
    )


def _slow_rows(detector: Detector, plane: Plane) -> np.ndarray:
    slow = detector.slow_board
    here = slow is not None and slow.unit == plane.unit
    board = np.array(plane.boards) == slow.board if here else np.zeros(plane.n_groups, bool)
    return np.repeat(board, plane.group_size)
