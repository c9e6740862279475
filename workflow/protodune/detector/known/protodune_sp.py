"""ProtoDUNE-SP (2018 to 2020): six APAs on both sides of one cathode; sources in docs/physics.md.

Offline channel ``c`` belongs to APA ``c // 2560``; its local number lies in [0, 800) for U, [800, 1600) for V and [1600,
2560) for X (collection), the latter 480 channels per face.  Induction wires wrap around the frame.  APAs 0, 2, 4 are at x <
0.

Field response: compact fits to the Garfield calculation that Wire-Cell uses for ProtoDUNE-SP, averaged over impact
positions. Noise: fit to Wire-Cell's protodune noise file; coherent lines of the DAQ simulation.
"""

from __future__ import annotations

import numpy as np

from protodune.detector.model import (
    CoherentNoise,
    Deconvolution,
    Detector,
    Electronics,
    FieldResponse,
    NoiseSpectrum,
    Plane,
    SlowBoard,
    Unit,
    Wires,
)

TICK_NS = 500.0
CHANNELS_PER_APA = 2560
N_UNITS = 6
FAMILY_PLANES = {"induction": ("U", "V"), "collection": ("X",)}
"""The plan reads these two from the source, without building the detector."""
APA_PITCH_Z_MM = 2320.6
INDUCTION_PITCH_MM, COLLECTION_PITCH_MM = 4.669, 4.792

ELECTRONICS = Electronics(
    gain_mv_per_fc=14.0, shaping_us=2.2, adc_per_mv=2.925, adc_bits=12, adc_range_v=(0.2, 1.6), calibration=1.1365,
    sticky_modulus=64,
)  # fmt: skip

_N, _M = 0.8120, 0.5836
# By plane and face: normal in (y, z), pitch coordinate of wire 0, number of wires, sign, offset and modulus of the row.
WIRES = {
    "U": {
        0: Wires((-_M, _N), -3534.34, 1148, 1, 400, 800, INDUCTION_PITCH_MM),
        1: Wires((_M, _N), 52.09, 1148, -1, 347, 800, INDUCTION_PITCH_MM),
    },
    "V": {
        0: Wires((_M, _N), 49.78, 1148, -1, 747, 800, INDUCTION_PITCH_MM),
        1: Wires((-_M, _N), -3532.04, 1148, 1, 0, 800, INDUCTION_PITCH_MM),
    },
    "X": {
        0: Wires((0.0, 1.0), 5.60, 480, 1, 480, 960, COLLECTION_PITCH_MM),
        1: Wires((0.0, 1.0), 5.75, 480, 1, 0, 960, COLLECTION_PITCH_MM),
    },
}

# What wires beyond the second neighbour see is not in the fits, which shifts the peaks of long tracks by up to 9 %.  It is
# put on the first neighbour: areas of these Gaussians (mean, sigma in us), fitted to the peaks of minimum ionising tracks at
# 0 to 85 degrees that the full calculation gives.
_SHAPES = ((-14.0, 4.0), (-9.0, 2.5), (-6.5, 1.2), (-4.5, 1.2), (-3.0, 1.0), (-1.6, 0.8), (-0.3, 0.6))
_AREAS = {
    "U": (-0.0004, 0.0147, -0.0017, -0.0342, 0.0192, -0.0154, 0.0162),
    "V": (-0.0004, 0.0027, -0.0020, -0.0065, 0.0152, -0.0190, 0.0074),
}
_NEIGHBOUR = {plane: tuple((a, *s) for a, s in zip(areas, _SHAPES, strict=True)) for plane, areas in _AREAS.items()}

FIELD = {
    "U": FieldResponse((
        (
            ((0.1095, -6.8534, -4.6994, 0.5035, 0.12), (-0.1538, -4.3931, -2.2082, 0.2189, 0.862),
             (-0.0572, -0.9853, -0.3308, 0.5297, 1.0027)),
            ((0.1266, -5.0451, 3.2152), (-0.012, -3.8028, 0.2319), (0.022, -14.0, 4.0)),
        ),
        (
            ((0.0568, -6.5841, -5.4464, 1.0576, 0.4514), (-0.03, -3.7681, -2.0809, 0.2522, 0.3216),
             (-0.042, -0.8306, 0.171, 2.0, 1.1653)),
            ((0.0272, -12.3222, 4.0), *_NEIGHBOUR["U"]),
        ),
        (
            ((0.0076, -7.4772, -7.2092, 0.3074, 2.0), (-0.0078, -2.1972, -1.053, 2.0, 0.415)),
            ((-0.0061, -0.1326, 0.3378), (0.0123, -14.0, 4.0)),
        ),
    )),
    "V": FieldResponse((
        (
            (),
            ((0.0145, -8.7548, 6.0), (0.0219, -6.3744, 0.7253), (0.3976, -2.9849, 1.1663), (-0.2823, -1.5818, 0.5258),
             (-0.152, -0.1473, 0.4606)),
        ),
        (
            ((0.0216, -4.993, -5.6223, 2.0, 0.2985), (0.0626, -4.7403, -3.0269, 1.0784, 0.5937),
             (-0.0401, -1.6109, 0.4652, 0.3981, 0.3873)),
            ((-0.0162, -0.0284, 0.15), (0.0054, -13.6789, 4.0), *_NEIGHBOUR["V"]),
        ),
        (
            ((0.0037, -6.3267, -3.1805, 1.0682, 0.12),),
            ((-0.0148, -0.1582, 0.4749), (0.0027, -14.0, 4.0)),
        ),
    )),
    "X": FieldResponse((
        (
            (),
            ((0.0641, -2.8968, 1.6792), (0.2421, -1.0732, 0.8669), (0.3038, 0.0008, 0.15), (0.3901, 0.1836, 0.46)),
        ),
        (
            (),
            ((0.0075, -4.905, 2.0818), (0.029, -3.0393, 1.2389), (0.0684, -1.3372, 0.7668), (-0.1082, 0.0227, 0.4072)),
        ),
        (
            (),
            ((0.0087, -3.5187, 1.8505), (0.0066, -1.5831, 1.0362), (-0.0164, -0.0286, 0.4519)),
        ),
    )),
}  # fmt: skip

NOISE = {
    "induction": NoiseSpectrum(132.0068, 1451.3448, 0.20572, 1.71622, 34.11),
    "collection": NoiseSpectrum(109.6339, 1013.8055, 0.21860, 1.87321, 40.82),
}
DECONVOLUTION = {
    "U": Deconvolution(0.148788, 3.76194, 0.75 / np.sqrt(np.pi)),
    "V": Deconvolution(0.1596568, 4.36125, 0.75 / np.sqrt(np.pi)),
    "X": Deconvolution(0.13623, 3.35324, 10 / np.sqrt(np.pi)),
}
COHERENT_NOISE = CoherentNoise(
    khz=(0.2, 3.0, 4.0, 12.0, 31.0, 42.0, 53.2, 120.0, 330.0),
    adc=(1.0, 0.2, 2.0, 1.0, 1.1, 1.2, 0.8, 1.2, 3.0),
    amplitude_jitter_adc=0.5,
    frequency_jitter_khz=0.021,
    # One board has the first six lines only; which one is our choice.
    short_board=19,
    short_lines=6,
    hv=((0.05, 0.5), (3.0, 0.3)),
)
SLOW_BOARD = SlowBoard(unit=0, board=2, ticks=5996)
"""FEMB 302 (installation label 3, board 2 of offline APA 0), which ran on a slower clock."""


def boards(plane: str) -> tuple[int, ...]:
    """Return the installation label (1 to 20) of the front-end board (FEMB) that reads each group of channels, (20,)."""
    label = np.arange(1, 21)
    block = {
        "U": np.where(label <= 10, 9 + label, label - 11),
        "V": 20 - label,
        "X": np.where(label <= 10, 9 + label, 20 - label),
    }[plane]
    femb = np.empty(20, dtype=np.int64)
    femb[block] = label
    return tuple(femb.tolist())


def _planes(apa: int) -> dict[str, Plane]:
    facing = apa % 2
    found = {}
    for name, first, n_channels in (("U", 0, 800), ("V", 800, 800), ("X", 1600, 960)):
        family = next(f for f, names in FAMILY_PLANES.items() if name in names)
        collects = family == "collection"
        found[name] = Plane(
            name=name,
            family=family,
            unit=apa,
            first_channel=apa * CHANNELS_PER_APA + first,
            n_channels=n_channels,
            group_size=48 if collects else 40,
            boards=boards(name),
            pitch_mm=COLLECTION_PITCH_MM if collects else INDUCTION_PITCH_MM,
            wires=WIRES[name],
            facing=facing,
            segments=((0, 480), (480, 960)) if collects else (),
            drift_rows=(0, 800) if not collects else ((480, 960) if facing == 0 else (0, 480)),
            tick_ns=TICK_NS,
            electronics=ELECTRONICS,
            field=FIELD[name],
            noise=NOISE[family],
            deconvolution=DECONVOLUTION[name],
            pedestal_adc=900.0 if collects else 2350.0,
            tail_us=1100.0 if collects else 3300.0,
        )
    return found


DETECTOR = Detector(
    name="protodune_sp",
    version=1,
    title="ProtoDUNE-SP",
    unit_name="APA",
    units=tuple(
        Unit(
            number=apa,
            planes=_planes(apa),
            side=1 if apa % 2 else -1,
            z_mm=apa // 2 * APA_PITCH_Z_MM,
            drift_wires_x_mm=3594.0,
            wall_wires_x_mm=3680.0,
            y_range_mm=(76.0, 6060.0),
            z_range_mm=(5.6, 2301.0),
        )
        for apa in range(N_UNITS)
    ),
    tick_ns=TICK_NS,
    readout_ticks=6000,
    trigger_tick=500,
    drift_speed_mm_per_us=1.6,
    max_drift_mm=3580.0,
    coherent_noise=COHERENT_NOISE,
    slow_board=SLOW_BOARD,
    beam_entry_mm=(-300.0, 4200.0, 6.0),
    beam_direction=(-0.18, -0.20, 0.96),
)
