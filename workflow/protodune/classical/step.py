"""A step of a classical method: what it gets, what it changes, and where it is found by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from protodune.core.registry import load, names
from protodune.detector.model import Plane
from protodune.events.products import PlaneProduct

PACKAGE = "protodune.classical.steps"


@dataclass
class PlaneReadout:
    """What a method gets of one plane: ``adc`` int16 (channels, ticks), ``waveforms`` float32 of the same shape without
    pedestal, ADC, and ``bad`` bool (channels,)."""

    plane: Plane
    adc: np.ndarray
    waveforms: np.ndarray
    bad: np.ndarray


@dataclass(frozen=True)
class Step:
    """One step: ``run`` (state, readout, settings, workers) changes the state, images of the plane by name: ``denoised``
    (float32, ADC) is there from the beginning, ``charge``, ``charge_error`` (float32, electrons per tick) and ``regions``
    (bool) once a step has made them.

    ``settings``: its dataclass, in the same module as the step; ``workers``: threads of Fourier transforms.
    """

    run: Callable[[PlaneProduct, PlaneReadout, Any, int], None]
    settings: type


def find_step(name: str) -> Step:
    """Return the step of this name: one of ``protodune.classical.steps``, or of a module of your own
    (``package.module``)."""
    return load(PACKAGE, name, "STEP", Step, "classical step")


def step_names() -> list[str]:
    """Names of the steps that come with the package."""
    return names(PACKAGE)
