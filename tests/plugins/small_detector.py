"""A small detector that differs from ProtoDUNE-SP in all that the code must not take for granted.

Two units on both sides of a cathode, planes of other sizes without wrapped wires, ticks of 512 ns, 14 bits, no sticky codes,
no slow board, no wall-facing wires; V induces on unit 0 and collects on unit 1.
"""

from __future__ import annotations

from protodune.detector.known.protodune_sp import FIELD, NOISE
from protodune.detector.model import (
    CoherentNoise,
    Deconvolution,
    Detector,
    Electronics,
    Plane,
    Unit,
    Wires,
)

N_UNITS = 2
FAMILY_PLANES = {"induction": ("U", "V"), "collection": ("V", "X")}
TICK_NS = 512.0
N_BOARDS = 4

ELECTRONICS = Electronics(gain_mv_per_fc=14.0, shaping_us=2.2, adc_per_mv=11.7, adc_bits=14, adc_range_v=(0.2, 1.6))
# Normal in (y, z), pitch coordinate of wire 0, number of wires, sign, offset and modulus of the row, pitch.
WIRES = {
    "U": Wires((-0.6, 0.8), -355.6, 96, 1, 0, 96, 8.75),
    "V": Wires((0.6, 0.8), 4.4, 96, 1, 0, 96, 8.75),
    "X": Wires((0.0, 1.0), 2.5, 120, 1, 0, 120, 5.0),
}
DECONVOLUTION = {
    "induction": Deconvolution(wiener_mhz=0.15, wiener_power=4.0, wire_sigma=0.42),
    "collection": Deconvolution(wiener_mhz=0.136, wiener_power=3.35, wire_sigma=5.6),
}


def _planes(unit: int) -> dict[str, Plane]:
    found, first = {}, unit * sum(wires.n_wires for wires in WIRES.values())
    for name, wires in WIRES.items():
        family = "collection" if name == "X" or (name == "V" and unit == 1) else "induction"
        found[name] = Plane(
            name=name,
            family=family,
            unit=unit,
            first_channel=first,
            n_channels=wires.n_wires,
            group_size=wires.n_wires // N_BOARDS,
            boards=tuple(range(1, N_BOARDS + 1)),
            pitch_mm=wires.pitch_mm,
            wires={0: wires},
            facing=0,
            segments=((0, wires.n_wires),),
            drift_rows=(0, wires.n_wires),
            tick_ns=TICK_NS,
            electronics=ELECTRONICS,
            field=FIELD["X" if family == "collection" else name],
            noise=NOISE[family],
            deconvolution=DECONVOLUTION[family],
            pedestal_adc=3600.0 if family == "collection" else 9400.0,
            tail_us=1100.0 if family == "collection" else None,
        )
        first += wires.n_wires
    return found


DETECTOR = Detector(
    name="plugins.small_detector",
    version=1,
    title="the small detector",
    unit_name="CRP",
    units=tuple(
        Unit(
            number=unit,
            planes=_planes(unit),
            side=1 if unit else -1,
            z_mm=0.0,
            drift_wires_x_mm=520.0,
            wall_wires_x_mm=None,
            y_range_mm=(0.0, 600.0),
            z_range_mm=(0.0, 600.0),
        )
        for unit in range(N_UNITS)
    ),
    tick_ns=TICK_NS,
    readout_ticks=1200,
    trigger_tick=250,
    drift_speed_mm_per_us=1.6,
    max_drift_mm=500.0,
    coherent_noise=CoherentNoise(
        khz=(3.0, 42.0, 330.0), adc=(4.0, 4.0, 8.0), amplitude_jitter_adc=1.0, frequency_jitter_khz=0.02
    ),
    beam_entry_mm=(-250.0, 300.0, 1.0),
)
