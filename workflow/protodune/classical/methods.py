"""Classical methods by name: from a plane's pedestal-subtracted waveforms to denoised ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from protodune.classical.coherent import low_pass, remove_coherent_noise


@dataclass(frozen=True)
class MethodSettings:
    """A method of the registry and what it may need: ``cut_adc``, below which a sample's size is set to zero."""

    kind: str
    cut_adc: float = 0.0


def apply_cut(waveforms: np.ndarray, cut_adc: float) -> np.ndarray:
    """Return the waveforms with |samples| <= ``cut_adc`` set to zero; same shape and dtype."""
    return np.where(np.abs(waveforms) > cut_adc, waveforms, 0).astype(waveforms.dtype) if cut_adc > 0 else waveforms


def _raw(waveforms: np.ndarray, group_size: int, bad: np.ndarray) -> np.ndarray:
    return waveforms


def _zeros(waveforms: np.ndarray, group_size: int, bad: np.ndarray) -> np.ndarray:
    return np.zeros_like(waveforms)


def _coherent(waveforms: np.ndarray, group_size: int, bad: np.ndarray) -> np.ndarray:
    return remove_coherent_noise(low_pass(waveforms), group_size, bad)


METHODS: dict[str, Callable[[np.ndarray, int, np.ndarray], np.ndarray]] = {
    "raw": _raw,
    "zeros": _zeros,
    "coherent": _coherent,
}


def run_method(settings: MethodSettings, waveforms: np.ndarray, group_size: int, bad: np.ndarray) -> np.ndarray:
    """Run a method and its cut: float32 (channels, ticks) in and out, ADC; ``bad`` bool (channels,)."""
    return apply_cut(METHODS[settings.kind](waveforms, group_size, bad), settings.cut_adc)
