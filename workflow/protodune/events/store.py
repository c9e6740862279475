"""The event store: one HDF5 file per sample, one int16 image per event, unit and plane (docs/data_format.md).

All HDF5 names of event stores live here.  ``EventWriter`` writes one event at a time and the file appears whole or not at
all; ``EventStore`` reads.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

from protodune.core.errors import ProtoduneError, suggest
from protodune.core.hdf5 import create_hdf5, open_checked
from protodune.detector.model import FAMILIES, Detector, Plane
from protodune.detector.registry import stored_detector
from protodune.events.types import PARTICLE_DTYPE, ChargeTable, RawEvent

FORMAT = "protodune-events"
FORMAT_VERSION = 4
CHUNK = (1, 64, 512)

STATUS_MISSING = 1
"""The source has no digit for this channel: its values are zero."""
STATUS_SHORT = 2
"""Fewer ticks than the readout: the rest is filled with the last value."""
STATUS_QUIET = 4
"""Noise rms below 0.5 ADC (of the reference gain): a dead channel, or a simulation without noise."""
STATUS_NOISY = 8
"""Noise rms above 30 ADC (of the reference gain), or far above that of the plane (``EventWriter.open``)."""
STATUS_LISTED = 16
"""Named in the sample's list of bad channels."""
BAD_CHANNEL = STATUS_MISSING | STATUS_QUIET | STATUS_NOISY | STATUS_LISTED
"""Channels that carry no usable waveform."""
QUIET_RMS_ADC = 0.5
NOISY_RMS_ADC = 30.0


def _waveform_options(ticks: int, n_channels: int) -> dict:
    chunk = (1, min(CHUNK[1], n_channels), max(1, min(CHUNK[2], ticks)))
    return {"chunks": chunk, **hdf5plugin.Bitshuffle(cname="lz4")}


Estimate = Callable[[np.ndarray, Plane], tuple[np.ndarray, np.ndarray]]
"""From the digits of a plane, int16 (n, ticks), to pedestal and noise rms of each channel, float32 (n,), ADC."""


class EventWriter:
    """Appends events to a new store; use ``EventWriter.open``."""

    def __init__(
        self,
        file: h5py.File,
        detector: Detector,
        ticks: int,
        estimate: Estimate,
        with_clean: bool,
        with_charge: bool,
        bad_channels: np.ndarray | None = None,
        noisy_above: float | None = None,
    ):
        self._noisy_above = noisy_above
        self._file, self.detector, self.ticks, self._estimate = file, detector, ticks, estimate
        self._bad_channels = np.zeros(0, np.uint32) if bad_channels is None else bad_channels
        self._with_clean, self._with_charge = with_clean, with_charge
        self.n_events = self.n_images = 0
        for name in ("run", "subrun", "event"):
            self._column(f"events/{name}", "u4")
        self._column("events/timestamp", "u8")
        self._column("particles/list", PARTICLE_DTYPE, 1024)
        self._column("particles/offset", "i8")
        self._append("particles/offset", np.zeros(1, np.int64))
        self._column("images/event_row", "i4")
        self._column("images/unit", "i2")
        for plane in detector.units[0].planes.values():
            self._create_plane(plane)

    @classmethod
    @contextlib.contextmanager
    def open(
        cls,
        path: str | Path,
        detector: Detector,
        ticks: int,
        *,
        estimate: Estimate,
        with_clean: bool,
        with_charge: bool,
        about: dict,
        bad_channels: np.ndarray | None = None,
        noisy_above: float | None = None,
    ) -> Iterator[EventWriter]:
        """Create a store with ``ticks`` per channel; ``about`` (sample, source, settings, versions) travels in it.

        ``estimate`` gives pedestal and noise of the channels of a plane (``classical.pedestal.estimate_pedestal``);
        ``bad_channels``: offline channels to be flagged as listed, in every event; ``noisy_above``: channels whose noise is
        above this many times the median of their plane are flagged as noisy, too (None: no such rule).
        """
        with create_hdf5(path) as file:
            file.attrs["format"], file.attrs["format_version"] = FORMAT, FORMAT_VERSION
            file.attrs["detector"], file.attrs["detector_version"] = detector.name, detector.version
            file.attrs["ticks"], file.attrs["tick_ns"] = ticks, detector.tick_ns
            file.attrs["about"] = json.dumps(about, sort_keys=True)
            file.attrs["lost_events"] = "[]"
            yield cls(file, detector, ticks, estimate, with_clean, with_charge, bad_channels, noisy_above)

    def record_lost_events(self, lost: list[dict]) -> None:
        """Record the events that could not be read: a list of {entry, cause}."""
        self._file.attrs["lost_events"] = json.dumps(lost)

    def append(self, event: RawEvent) -> None:
        """Append one event: an image for every unit of which the event has at least one channel."""
        units = self._units(event)
        for name in ("run", "subrun", "event"):
            self._append(f"events/{name}", np.array([getattr(event, name)], np.uint32))
        self._append("events/timestamp", np.array([event.timestamp], np.uint64))
        if event.particles is not None:
            self._append("particles/list", event.particles)
        self._append("particles/offset", np.array([self._file["particles/list"].shape[0]], np.int64))
        for unit in units:
            self._append("images/event_row", np.array([self.n_events], np.int32))
            self._append("images/unit", np.array([unit], np.int16))
            for plane in self.detector.units[unit].planes.values():
                self._append_plane(plane, event)
            self.n_images += 1
        self.n_events += 1

    def _units(self, event: RawEvent) -> list[int]:
        """The units that an event has channels of; a channel that no plane has is an error."""
        number = self.detector.unit_of(event.channel)
        found = np.unique(number).tolist()
        for unit in (self.detector.units[i] for i in found):
            foreign = event.channel[(number == unit.number) & (event.channel >= unit.first_channel + unit.n_channels)]
            if len(foreign):
                raise ProtoduneError(
                    f"event {event.event_id}: channel {foreign[-1]}, expected at most {self.detector.n_channels - 1} "
                    f"({self.detector.title}); is this another detector's file?  Mend 'detector' in the sample sheet"
                )
        return found

    def _create_plane(self, plane: Plane) -> None:
        n, ticks = plane.n_channels, self.ticks
        group, options = self._file.create_group(plane.name), _waveform_options(ticks, n)
        group.create_dataset("adc", (0, n, ticks), "i2", maxshape=(None, n, ticks), **options)
        group["adc"].attrs["unit"] = "ADC"
        for name, kind in (("channel", "u4"), ("pedestal", "f4"), ("noise_rms", "f4"), ("status", "u1")):
            group.create_dataset(name, (0, n), kind, maxshape=(None, n), chunks=(1, n))
        if self._with_clean:
            group.create_dataset("clean", (0, n, ticks), "i2", maxshape=(None, n, ticks), **options)
            group["clean"].attrs["adc_per_count"] = self.detector.adc_per_count
        if self._with_charge:
            for name, kind in (("row", "u2"), ("tick", "i4"), ("electrons", "f4"), ("track", "i4")):
                self._column(f"{plane.name}/charge/{name}", kind, 65536)
            self._column(f"{plane.name}/charge/offset", "i8", 64)
            self._append(f"{plane.name}/charge/offset", np.zeros(1, np.int64))

    def _column(self, name: str, kind: str | np.dtype, chunk: int = 64) -> None:
        self._file.create_dataset(name, (0,), kind, maxshape=(None,), chunks=(chunk,))

    def _append(self, name: str, values: np.ndarray) -> None:
        dataset = self._file[name]
        size = dataset.shape[0]
        dataset.resize(size + len(values), axis=0)
        dataset[size:] = values

    def _append_plane(self, plane: Plane, event: RawEvent) -> None:
        channels, name = plane.channels, plane.name
        start, stop = np.searchsorted(event.channel, [channels[0], channels[-1] + 1])
        rows = (event.channel[start:stop] - channels[0]).astype(np.int64)
        here = slice(start, stop)
        adc = np.zeros((len(channels), self.ticks), np.int16)
        status = np.full(len(channels), STATUS_MISSING, np.uint8)
        pedestal, rms = np.zeros((2, len(channels)), np.float32)
        if len(rows):
            adc[rows] = event.adc[here]
            pedestal[rows], rms[rows] = self._estimate(event.adc[here], plane)
            status[rows] = np.where(event.n_ticks[here] < self.ticks, STATUS_SHORT, 0)
            status[rows] |= np.where(rms[rows] < QUIET_RMS_ADC * plane.adc_scale, STATUS_QUIET, 0).astype(np.uint8)
            status[rows] |= np.where(rms[rows] > self._noisy_rms(rms[rows], plane), STATUS_NOISY, 0).astype(np.uint8)
        status |= np.where(np.isin(channels, self._bad_channels), STATUS_LISTED, 0).astype(np.uint8)
        for column, values in (("channel", channels), ("pedestal", pedestal), ("noise_rms", rms), ("status", status)):
            self._append(f"{name}/{column}", values[None])
        self._append(f"{name}/adc", adc[None])
        if self._with_clean:
            clean = np.zeros_like(adc)
            clean[rows] = event.clean[here]
            self._append(f"{name}/clean", clean[None])
        if self._with_charge:
            self._append_charge(name, channels, event)

    def _noisy_rms(self, rms: np.ndarray, plane: Plane) -> float:
        """The noise above which a channel of a plane is noisy, ADC; ``rms`` of all its channels that are there."""
        largest, typical = NOISY_RMS_ADC * plane.adc_scale, float(np.median(rms))
        if self._noisy_above is None or typical < QUIET_RMS_ADC * plane.adc_scale:  # no noise to compare with
            return largest
        return min(largest, self._noisy_above * typical)

    def _append_charge(self, plane: str, channels: np.ndarray, event: RawEvent) -> None:
        charge = event.charge
        inside = (charge.channel >= channels[0]) & (charge.channel <= channels[-1])
        inside &= (charge.tick >= 0) & (charge.tick < self.ticks)
        row, tick = (charge.channel[inside] - channels[0]).astype(np.uint16), charge.tick[inside]
        order = np.lexsort((tick, row))
        self._append(f"{plane}/charge/row", row[order])
        self._append(f"{plane}/charge/tick", tick[order].astype(np.int32))
        self._append(f"{plane}/charge/electrons", charge.electrons[inside][order])
        self._append(f"{plane}/charge/track", charge.track[inside][order])
        total = self._file[f"{plane}/charge/row"].shape[0]
        self._append(f"{plane}/charge/offset", np.array([total], np.int64))


class EventStore:
    """Reads an event store; a context manager."""

    def __init__(self, path: str | Path):
        self.path = str(path)
        self._file = open_checked(path, FORMAT, FORMAT_VERSION, "convert")
        name, version = self._file.attrs["detector"], int(self._file.attrs["detector_version"])
        try:
            self.detector: Detector = stored_detector(name, version, self.path)
            self._check_tick()
        except ProtoduneError:
            self._file.close()
            raise
        self.ticks = int(self._file.attrs["ticks"])
        self.about: dict = json.loads(self._file.attrs["about"])
        self.lost_events: list[dict] = json.loads(self._file.attrs["lost_events"])
        """The events that could not be read: {entry, cause} each."""
        self.event_row: np.ndarray = self._file["images/event_row"][:]
        """The event of each image, as a row of ``event_ids``."""
        self.unit: np.ndarray = self._file["images/unit"][:]
        """The unit of each image, int16 (images,)."""
        self.event_ids = list(zip(*(self._file[f"events/{k}"][:].tolist() for k in ("run", "subrun", "event")), strict=True))

    def _check_tick(self) -> None:
        tick_ns = float(self._file.attrs["tick_ns"])
        if tick_ns != self.detector.tick_ns:
            raise ProtoduneError(
                f"{self.path}: ticks of {tick_ns:g} ns, expected {self.detector.tick_ns:g} ns ({self.detector.title}); mend "
                "'detector' in the sample sheet and convert the sample again"
            )

    def __enter__(self) -> EventStore:
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def __len__(self) -> int:
        """Number of images: one per event and unit."""
        return len(self.unit)

    def plane(self, name: str, image: int) -> Plane:
        """The plane of this name in the unit of an image."""
        self._check(name, image)
        return self.detector.plane(int(self.unit[image]), name)

    def family(self, family: str, image: int) -> tuple[Plane, ...]:
        """The planes of a family in the unit of an image; none where the unit has none."""
        self._check(None, image)
        if family not in FAMILIES:
            raise ProtoduneError(f"family '{family}'{suggest(family, FAMILIES)}, expected {' or '.join(FAMILIES)}")
        return self.detector.units[self.unit[image]].of_family(family)

    def _check(self, plane: str | None, image: int) -> None:
        """Raise a ProtoduneError unless the store has this plane and this image."""
        known = self.detector.plane_names
        if plane is not None and plane not in known:
            raise ProtoduneError(
                f"{self.path}: has no plane '{plane}', expected one of {', '.join(known)} ({self.detector.title})"
            )
        if not 0 <= image < len(self):
            raise ProtoduneError(
                f"{self.path}: has no image {image}, expected a number from 0 and below {len(self)}, as many as it has"
            )

    def _of_plane(self, plane: str, name: str, image: int) -> np.ndarray:
        self._check(plane, image)
        return self._file[f"{plane}/{name}"][image]

    @property
    def has_clean(self) -> bool:
        """Whether noise-free waveforms are there."""
        return "clean" in self._file[self.detector.plane_names[0]]

    @property
    def has_charge(self) -> bool:
        """Whether true charge is there."""
        return "charge" in self._file[self.detector.plane_names[0]]

    def event_id(self, image: int) -> tuple[int, int, int]:
        """(run, subrun, event) of an image."""
        self._check(None, image)
        return self.event_ids[self.event_row[image]]

    def timestamp(self, image: int) -> int:
        """Time of the readout of an image's event as its file has it; 0 if it has none."""
        self._check(None, image)
        return int(self._file["events/timestamp"][self.event_row[image]])

    def adc(self, plane: str, image: int) -> np.ndarray:
        """Raw values of a plane, int16 (channels, ticks), ADC."""
        return self._of_plane(plane, "adc", image)

    def pedestal(self, plane: str, image: int) -> np.ndarray:
        """Pedestal, float32 (channels,), ADC."""
        return self._of_plane(plane, "pedestal", image)

    def noise_rms(self, plane: str, image: int) -> np.ndarray:
        """Noise rms, float32 (channels,), ADC."""
        return self._of_plane(plane, "noise_rms", image)

    def status(self, plane: str, image: int) -> np.ndarray:
        """Status bits, uint8 (channels,)."""
        return self._of_plane(plane, "status", image)

    def channel(self, plane: str, image: int) -> np.ndarray:
        """Offline channel numbers, uint32 (channels,)."""
        return self._of_plane(plane, "channel", image)

    def waveforms(self, plane: str, image: int, adc: np.ndarray | None = None) -> np.ndarray:
        """Values less the pedestal, float32 (channels, ticks), ADC; bad channels are zero.  ``adc``: the raw values, if they
        were read already."""
        signal = (self.adc(plane, image) if adc is None else adc) - self.pedestal(plane, image)[:, None]
        signal[self.bad(plane, image)] = 0
        return signal

    def clean(self, plane: str, image: int) -> np.ndarray:
        """Noise-free waveforms, float32 (channels, ticks), ADC."""
        if not self.has_clean:
            raise ProtoduneError(f"{self.path}: has no noise-free waveforms, which this step needs; give a simulated sample")
        counts = self._of_plane(plane, "clean", image)
        return counts * np.float32(self._file[f"{plane}/clean"].attrs["adc_per_count"])

    def bad(self, plane: str, image: int) -> np.ndarray:
        """Which channels carry no usable waveform, bool (channels,)."""
        return (self.status(plane, image) & BAD_CHANNEL) != 0

    def charge(self, plane: str, image: int) -> ChargeTable:
        """True charge of a plane, sorted by channel and tick."""
        group, rows = self._charge_rows(plane, image)
        channel = self.channel(plane, image)[group["row"][rows]]
        return ChargeTable(channel, group["tick"][rows], group["electrons"][rows], group["track"][rows])

    def particles(self, image: int) -> np.ndarray:
        """The particles of an image's event (PARTICLE_DTYPE); empty where the source has no list."""
        self._check(None, image)
        row = self.event_row[image]
        start, stop = self._file["particles/offset"][row : row + 2]
        return self._file["particles/list"][start:stop]

    def charge_particles(self, plane: str, image: int) -> np.ndarray:
        """The particle that gave most to each row of ``charge``: its row of ``particles``, or -1 if it is not listed."""
        track, listed = self.charge(plane, image).track, self.particles(image)["id"]
        if len(listed) == 0:
            return np.full(len(track), -1)
        order = np.argsort(listed)
        place = np.minimum(np.searchsorted(listed[order], track), len(listed) - 1)
        return np.where(listed[order][place] == track, order[place], -1)

    def charge_image(self, plane: str, image: int) -> np.ndarray:
        """True charge of a plane as an image, float32 (channels, ticks), electrons."""
        group, rows = self._charge_rows(plane, image)
        dense = np.zeros((self.plane(plane, image).n_channels, self.ticks), np.float32)
        np.add.at(dense, (group["row"][rows], group["tick"][rows]), group["electrons"][rows])
        return dense

    def _charge_rows(self, plane: str, image: int) -> tuple[h5py.Group, slice]:
        if not self.has_charge:
            raise ProtoduneError(f"{self.path}: has no true charge, which this step needs; give a simulated sample")
        self._check(plane, image)
        group = self._file[f"{plane}/charge"]
        start, stop = group["offset"][image : image + 2]
        return group, slice(int(start), int(stop))
