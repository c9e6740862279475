"""What a detector is: units (APAs or CRPs), their planes, wires, boards and electronics, as one immutable object.

It is passed on explicitly and stored by name and version in every event store.  A detector is a module of
``protodune.detector.known`` that holds one ``DETECTOR``; docs/extending.md shows a complete small one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from protodune.core.errors import ProtoduneError

FAMILIES = ("induction", "collection")
"""Families of planes: pulses on induction planes are bipolar, those on collection planes unipolar."""

_REFERENCE_ADC_PER_FC = 14.0 * 2.925 * 1.1365
"""ProtoDUNE-SP's.  Thresholds of methods and scales of networks are quoted in ADC of this gain."""
_REFERENCE_BITS = 12
_REFERENCE_ADC_PER_COUNT = 0.125


@dataclass(frozen=True)
class Wires:
    """The wires of one plane on one face of a unit, numbered along the pitch direction ``normal`` in (y, z).

    ``first_mm``: pitch coordinate of wire 0, counted from the unit's origin.  Wire ``w`` is read by row
    ``(sign * w + offset) mod modulus`` of the plane.
    """

    normal: tuple[float, float]
    first_mm: float
    n_wires: int
    sign: int
    offset: int
    modulus: int
    pitch_mm: float

    def coordinate(self, y_mm: np.ndarray, z_mm: np.ndarray) -> np.ndarray:
        """Return the continuous wire number of points, shape as the input; integers are wire centres.  ``z_mm`` counts from
        the unit's origin."""
        return (y_mm * self.normal[0] + z_mm * self.normal[1] - self.first_mm) / self.pitch_mm

    def row(self, wire: np.ndarray) -> np.ndarray:
        """Return the row of the plane image that reads each wire."""
        return (self.sign * wire + self.offset) % self.modulus


@dataclass(frozen=True)
class Electronics:
    """Cold amplifier and digitiser: nominal gain at the peak in mV/fC, shaping time in us, ADC per mV, number of bits, range
    of the digitiser in V, measured over nominal gain (``calibration``), and the modulus of the codes that stick (0: none
    do)."""

    gain_mv_per_fc: float
    shaping_us: float
    adc_per_mv: float
    adc_bits: int
    adc_range_v: tuple[float, float]
    calibration: float = 1.0
    sticky_modulus: int = 0

    def __post_init__(self):
        if not 1 <= self.adc_bits <= 15:
            raise ProtoduneError(f"electronics: a digitiser of {self.adc_bits} bits, expected 1 to 15, which int16 holds")

    @property
    def adc_max(self) -> int:
        """Largest code of the digitiser."""
        return 2**self.adc_bits - 1


@dataclass(frozen=True)
class FieldResponse:
    """Induced current of one drifting electron by wire distance 0, 1, 2, ...: (boxes, Gaussians).

    Box (h, a, b, s1, s2) = h [Phi((t - a) / s1) - Phi((t - b) / s2)], Gaussian (area, mean, sigma); e/us and us, t = 0 at
    the arrival at the collection plane.
    """

    by_distance: tuple[tuple[tuple[tuple[float, ...], ...], tuple[tuple[float, ...], ...]], ...]

    @property
    def reach(self) -> int:
        """Neighbours on each side on which a drifting electron induces a current."""
        return len(self.by_distance) - 1


@dataclass(frozen=True)
class NoiseSpectrum:
    """Mean amplitude of the incoherent noise, A(f) = (a + b f) exp(-(f / c)^d) mV of a DFT over ``ticks`` of ``tick_us``,
    f in MHz, with a white term in quadrature."""

    a_mv: float
    b_mv_per_mhz: float
    c_mhz: float
    d: float
    white_mv: float
    ticks: int = 6000
    tick_us: float = 0.5

    def amplitude(self, frequency_mhz: np.ndarray) -> np.ndarray:
        """Return the mean DFT amplitude in mV; shape of the input."""
        shaped = (self.a_mv + self.b_mv_per_mhz * frequency_mhz) * np.exp(-((frequency_mhz / self.c_mhz) ** self.d))
        return np.hypot(shaped, self.white_mv)


@dataclass(frozen=True)
class CoherentNoise:
    """Noise that the channels of one board share: lines of these frequencies (kHz) and amplitudes (ADC) with Gaussian
    jitters, of which ``short_board`` (its place, from 0) has the first ``short_lines`` only; ``hv``: lines (kHz, ADC) that
    all boards share."""

    khz: tuple[float, ...]
    adc: tuple[float, ...]
    amplitude_jitter_adc: float
    frequency_jitter_khz: float
    short_board: int = -1
    short_lines: int = 0
    hv: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Deconvolution:
    """Filters of the two-dimensional deconvolution: Wiener filter exp(-1/2 (f / sigma)^power) with sigma in MHz, and width
    of the wire filter, 1 is the Nyquist frequency."""

    wiener_mhz: float
    wiener_power: float
    wire_sigma: float


@dataclass(frozen=True, eq=False)
class Plane:
    """One readout plane of one unit: ``n_channels`` rows from offline channel ``first_channel`` on.

    ``family`` induction or collection; ``group_size`` neighbouring rows are read by one board and share its coherent noise,
    ``boards``: label of the board of each group; ``wires`` by face, ``facing`` the face that looks at the drift volume;
    ``segments``: runs of rows (first, one past the last) whose wires are neighbours, none where the wires go on around the
    frame; ``drift_rows`` (first, one past the last) look at the drift volume; ``tail_us``: time constant of the tails that
    the AC coupling leaves, None without; ``pedestal_adc``: nominal.
    """

    name: str
    family: str
    unit: int
    first_channel: int
    n_channels: int
    group_size: int
    boards: tuple[int, ...]
    pitch_mm: float
    wires: Mapping[int, Wires]
    facing: int
    segments: tuple[tuple[int, int], ...]
    drift_rows: tuple[int, int]
    tick_ns: float
    electronics: Electronics
    field: FieldResponse
    noise: NoiseSpectrum
    deconvolution: Deconvolution
    pedestal_adc: float
    tail_us: float | None = None

    def __post_init__(self):
        if self.family not in FAMILIES:
            raise ProtoduneError(f"plane {self.name}: family '{self.family}', expected {' or '.join(FAMILIES)}")
        if self.group_size * len(self.boards) != self.n_channels:
            raise ProtoduneError(
                f"plane {self.name} of unit {self.unit}: {len(self.boards)} boards of {self.group_size} channels, expected "
                f"{self.n_channels} channels together"
            )

    @property
    def collects(self) -> bool:
        """Whether its pulses are unipolar."""
        return self.family == "collection"

    @property
    def tick_us(self) -> float:
        """Length of a tick in us."""
        return self.tick_ns / 1000

    @property
    def n_groups(self) -> int:
        """Number of groups of channels that a board reads together."""
        return self.n_channels // self.group_size

    @property
    def channels(self) -> np.ndarray:
        """Offline channel numbers, uint32 (n_channels,)."""
        return np.arange(self.first_channel, self.first_channel + self.n_channels, dtype=np.uint32)

    @property
    def facing_wires(self) -> Wires:
        """The wires of the face that looks at the drift volume."""
        return self.wires[self.facing]

    @property
    def drift_slice(self) -> slice:
        """The rows that look at the drift volume."""
        return slice(*self.drift_rows)

    @property
    def looks_both_ways(self) -> bool:
        """Whether some rows look at the drift volume and others do not."""
        return self.drift_rows != (0, self.n_channels)

    @property
    def adc_scale(self) -> float:
        """ADC of this plane for an ADC of the reference gain (ProtoDUNE-SP's), in which thresholds are quoted."""
        e = self.electronics
        return e.gain_mv_per_fc * e.adc_per_mv * e.calibration / _REFERENCE_ADC_PER_FC

    def wires_per_row(self) -> np.ndarray:
        """Return how many wire segments, of all faces, each row reads, int64 (n_channels,)."""
        counts = np.zeros(self.n_channels, dtype=np.int64)
        for wires in self.wires.values():
            counts += np.bincount(wires.row(np.arange(wires.n_wires)), minlength=counts.size)
        return counts


@dataclass(frozen=True, eq=False)
class Unit:
    """An APA or CRP: its planes by name, and where it stands.

    ``side``: -1 or 1, the sign of x of its drift volume; ``z_mm``: its origin along z; |x| of the wires that look at the
    drift volume and of those that look at the wall (None: there are none); ranges of y and z that its wires cover.
    """

    number: int
    planes: Mapping[str, Plane]
    side: int
    z_mm: float
    drift_wires_x_mm: float
    wall_wires_x_mm: float | None
    y_range_mm: tuple[float, float]
    z_range_mm: tuple[float, float]

    @property
    def first_channel(self) -> int:
        """Its first offline channel."""
        return min(p.first_channel for p in self.planes.values())

    @property
    def n_channels(self) -> int:
        """Channels of all planes."""
        return sum(p.n_channels for p in self.planes.values())

    @property
    def facing(self) -> int:
        """The face that looks at the drift volume."""
        return next(iter(self.planes.values())).facing

    def of_family(self, family: str) -> tuple[Plane, ...]:
        """The planes of a family; none where the unit has none."""
        return tuple(p for p in self.planes.values() if p.family == family)

    def board_channels(self, board: int) -> np.ndarray:
        """Return the offline channels of the board with this label, uint32."""
        parts = []
        for plane in self.planes.values():
            for group in np.flatnonzero(np.array(plane.boards) == board):
                parts.append(plane.channels[group * plane.group_size : (group + 1) * plane.group_size])
        return np.concatenate(parts)


@dataclass(frozen=True)
class SlowBoard:
    """A board with a slower clock: it reads ``ticks`` while the others read the whole readout."""

    unit: int
    board: int
    ticks: int


@dataclass(frozen=True, eq=False)
class Detector:
    """A detector: its units in order of their numbers, its clock and its drift.

    ``version`` changes whenever stored numbers get another meaning.  ``unit_name``: what a unit is called, APA or CRP.
    """

    name: str
    version: int
    title: str
    unit_name: str
    units: tuple[Unit, ...]
    tick_ns: float
    readout_ticks: int
    trigger_tick: int
    drift_speed_mm_per_us: float
    max_drift_mm: float
    coherent_noise: CoherentNoise | None = None
    slow_board: SlowBoard | None = None
    beam_entry_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    beam_direction: tuple[float, float, float] = (0.0, 0.0, 1.0)

    def __post_init__(self):
        sizes = {tuple((p.name, p.n_channels) for p in unit.planes.values()) for unit in self.units}
        if len(sizes) != 1:
            raise ProtoduneError(
                f"detector {self.name}: units differ in the names or sizes of their planes, expected the same"
            )
        expected = 0  # readers find a channel's unit and row by counting
        for position, unit in enumerate(self.units):
            places = {unit.number, *(plane.unit for plane in unit.planes.values())}
            if places != {position}:
                raise ProtoduneError(
                    f"detector {self.name}: unit {unit.number} at place {position}, and planes of units "
                    f"{sorted(places)}, expected units numbered 0, 1, 2, ... in order"
                )
            for plane in unit.planes.values():
                if plane.first_channel != expected:
                    raise ProtoduneError(
                        f"detector {self.name}: plane {plane.name} of unit {position} begins at channel "
                        f"{plane.first_channel}, expected {expected}: planes follow each other without gaps"
                    )
                expected += plane.n_channels
        ticks = {p.tick_ns for p in self.planes()}
        if ticks != {self.tick_ns}:
            raise ProtoduneError(f"detector {self.name}: planes of ticks {sorted(ticks)} ns, expected {self.tick_ns} of all")

    @property
    def tick_us(self) -> float:
        """Length of a tick in us."""
        return self.tick_ns / 1000

    @property
    def plane_names(self) -> tuple[str, ...]:
        """Names of the planes of a unit, in order."""
        return tuple(self.units[0].planes)

    @property
    def n_channels(self) -> int:
        """One past the largest offline channel."""
        return max(u.first_channel + u.n_channels for u in self.units)

    @property
    def adc_per_count(self) -> float:
        """ADC per count of stored waveforms without noise: 1/8 for 12 bits, so that int16 holds the range of the
        digitiser."""
        return _REFERENCE_ADC_PER_COUNT * 2 ** (max(self.electronics_bits, _REFERENCE_BITS) - _REFERENCE_BITS)

    @cached_property
    def electronics_bits(self) -> int:
        """Most bits of the digitiser of any plane."""
        return max(p.electronics.adc_bits for p in self.planes())

    def planes(self) -> Iterator[Plane]:
        """Yield the planes of all units."""
        for unit in self.units:
            yield from unit.planes.values()

    def plane(self, unit: int, name: str) -> Plane:
        """Return a plane of a unit."""
        return self.units[unit].planes[name]

    def family_planes(self, family: str) -> tuple[str, ...]:
        """Names of the planes that belong to a family in any unit, in order."""
        return tuple(n for n in self.plane_names if any(u.planes[n].family == family for u in self.units))

    def unit_of(self, channel: np.ndarray) -> np.ndarray:
        """Return the number of the unit of each offline channel, int64."""
        firsts = np.array([u.first_channel for u in self.units])
        return np.searchsorted(firsts, channel, side="right") - 1

    def slow_ticks(self, ticks: int) -> int:
        """Return how many ticks the board with the slower clock reads while the others read ``ticks``."""
        return round(ticks * self.slow_board.ticks / self.readout_ticks) if self.slow_board else ticks

    @cached_property
    def active_mm(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest corner, each (3,), of the argon that any wire can see, 100 mm beyond the outermost wires."""
        x = max(u.wall_wires_x_mm or u.drift_wires_x_mm for u in self.units) + 100.0
        y = min(u.y_range_mm[0] for u in self.units), max(u.y_range_mm[1] for u in self.units)
        z = min(u.z_range_mm[0] + u.z_mm for u in self.units), max(u.z_range_mm[1] + u.z_mm for u in self.units)
        return np.array([-x, y[0], z[0]]), np.array([x, y[1], z[1]])

    def unit_at(self, x_mm: float) -> Unit:
        """Return the first unit whose drift volume lies on the side of ``x_mm``; the first of all if none does."""
        side = -1 if x_mm < 0 else 1
        return next((u for u in self.units if u.side == side), self.units[0])
