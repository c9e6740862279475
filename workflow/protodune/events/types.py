"""What a raw source gives for one event, whatever file it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

CLASS_UNKNOWN, CLASS_TRACK, CLASS_SHOWER, CLASS_MICHEL, CLASS_DELTA = range(5)
"""What kind of particle left a charge."""
THETA_COLUMNS = ("theta_xz_u_deg", "theta_xz_v_deg", "theta_xz_x_deg")
"""Columns of theta_xz in PARTICLE_DTYPE by the position of the plane in its unit: first, second, third."""
PARTICLE_DTYPE = np.dtype(
    [(name, "<i4") for name in ("id", "parent", "primary", "interaction", "pdg")]
    + [("class", "u1"), ("kinetic_mev", "<f4"), ("time_us", "<f4")]
    + [(name, "<f4") for name in ("start_x_mm", "start_y_mm", "start_z_mm", "direction_x", "direction_y", "direction_z")]
    + [(name, "<f4") for name in ("end_x_mm", "end_y_mm", "end_z_mm", "length_mm", *THETA_COLUMNS)]
)
"""One particle of the simulation; ``parent`` is 0 for a primary, ``time_us`` counts from the trigger, theta_xz is 0
parallel to the wire planes and 90 along the drift."""


@dataclass
class ChargeTable:
    """Charge that reached the wires, one row per (channel, tick); all columns have the same length.

    ``channel`` uint32, ``tick`` int32, ``electrons`` float32, ``track`` int32: id of the track of the largest contribution.
    """

    channel: np.ndarray
    tick: np.ndarray
    electrons: np.ndarray
    track: np.ndarray


@dataclass
class RawEvent:
    """The digits of one event, channels in ascending order.

    ``channel`` uint32 (n,); ``adc`` int16 (n, ticks), rows shorter than the readout are filled with their last value;
    ``n_ticks`` int64 (n,): ticks that were read; ``pedestal`` float32 (n,) as the file records it, ADC; ``clean`` int16
    (n, ticks) in counts of the detector's ``adc_per_count``, or None; ``charge`` or None; ``timestamp`` of the readout
    (uint64 clock count) or 0; ``particles`` PARTICLE_DTYPE or None.
    """

    run: int
    subrun: int
    event: int
    channel: np.ndarray
    adc: np.ndarray
    n_ticks: np.ndarray
    pedestal: np.ndarray
    clean: np.ndarray | None = None
    charge: ChargeTable | None = None
    timestamp: int = 0
    particles: np.ndarray | None = None

    @property
    def event_id(self) -> tuple[int, int, int]:
        """(run, subrun, event)."""
        return self.run, self.subrun, self.event


class RawSource(Protocol):
    """A file of raw digits: ``len()`` events, ids without reading waveforms, one event at a time."""

    path: str
    flavour: str
    about: dict

    def __len__(self) -> int: ...

    def event_id(self, index: int) -> tuple[int, int, int]:
        """(run, subrun, event) of one event."""

    def read(self, index: int, truth: bool = True) -> RawEvent:
        """Read one event; without ``truth`` neither charge nor noise-free waveforms are looked for."""
