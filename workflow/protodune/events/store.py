"""The event store: one HDF5 file a sample, one int16 image an event, APA and plane (docs/data_format.md).

All HDF5 names of event stores live here.  ``EventWriter`` writes one event at a time and the file appears whole or not at
all; ``EventStore`` reads.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

from protodune.classical.pedestal import estimate_pedestal
from protodune.core.errors import ProtoduneError
from protodune.detector.geometry import CHANNELS_PER_APA, N_APAS, PLANES, TICK_US, plane_channels
from protodune.core.hdf5 import create_hdf5, open_checked
from protodune.events.types import CLEAN_ADC_PER_COUNT, PARTICLE_DTYPE, ChargeTable, RawEvent

FORMAT = "protodune-events"
FORMAT_VERSION = 3
CHUNK = (1, 64, 512)

STATUS_MISSING = 1
"""The source has no digit for this channel: samples are zero."""
STATUS_SHORT = 2
"""Fewer samples than the readout: the rest is filled with the last sample."""
STATUS_QUIET = 4
"""Noise rms below 0.5 ADC: a dead channel (or a simulation without noise)."""
STATUS_NOISY = 8
"""Noise rms above 30 ADC."""
STATUS_LISTED = 16
"""Named in the sample's list of bad channels."""
BAD_CHANNEL = STATUS_MISSING | STATUS_QUIET | STATUS_NOISY | STATUS_LISTED
"""Channels that carry no usable waveform."""
QUIET_RMS_ADC = 0.5
NOISY_RMS_ADC = 30.0


def _waveform_options(ticks: int, n_channels: int) -> dict:
    chunk = (1, min(CHUNK[1], n_channels), max(1, min(CHUNK[2], ticks)))
    return {"chunks": chunk, **hdf5plugin.Bitshuffle(cname="lz4")}


class EventWriter:
    """Appends events to a new store; use ``EventWriter.open``."""

    def __init__(
        self, file: h5py.File, ticks: int, with_clean: bool, with_charge: bool, bad_channels: np.ndarray | None = None
    ):
        self._file, self.ticks = file, ticks
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
        self._column("images/apa", "i2")
        for plane, info in PLANES.items():
            n = info.n_channels
            group = file.create_group(plane)
            options = _waveform_options(ticks, n)
            group.create_dataset("adc", (0, n, ticks), "i2", maxshape=(None, n, ticks), **options)
            group["adc"].attrs["unit"] = "ADC"
            for name, kind in (("channel", "u4"), ("pedestal", "f4"), ("noise_rms", "f4"), ("status", "u1")):
                group.create_dataset(name, (0, n), kind, maxshape=(None, n), chunks=(1, n))
            if with_clean:
                group.create_dataset("clean", (0, n, ticks), "i2", maxshape=(None, n, ticks), **options)
                group["clean"].attrs["adc_per_count"] = CLEAN_ADC_PER_COUNT
            if with_charge:
                for name, kind in (("row", "u2"), ("tick", "i4"), ("electrons", "f4"), ("track", "i4")):
                    self._column(f"{plane}/charge/{name}", kind, 65536)
                self._column(f"{plane}/charge/offset", "i8", 64)
                self._append(f"{plane}/charge/offset", np.zeros(1, np.int64))

    @classmethod
    @contextlib.contextmanager
    def open(
        cls,
        path: str | Path,
        ticks: int,
        *,
        with_clean: bool,
        with_charge: bool,
        about: dict,
        bad_channels: np.ndarray | None = None,
    ) -> Iterator[EventWriter]:
        """Create a store of ``ticks`` samples a channel; ``about`` (sample, source, settings, versions) travels in it.

        ``bad_channels``: offline channels to be flagged as listed, in every event.
        """
        with create_hdf5(path) as file:
            file.attrs["format"], file.attrs["format_version"] = FORMAT, FORMAT_VERSION
            file.attrs["ticks"], file.attrs["tick_us"] = ticks, TICK_US
            file.attrs["about"] = json.dumps(about, sort_keys=True)
            file.attrs["losses"] = "[]"
            yield cls(file, ticks, with_clean, with_charge, bad_channels)

    def record_losses(self, losses: list[dict]) -> None:
        """Record the events that could not be read: a list of {entry, cause}."""
        self._file.attrs["losses"] = json.dumps(losses)

    def _column(self, name: str, kind: str | np.dtype, chunk: int = 64) -> None:
        self._file.create_dataset(name, (0,), kind, maxshape=(None,), chunks=(chunk,))

    def _append(self, name: str, values: np.ndarray) -> None:
        dataset = self._file[name]
        size = dataset.shape[0]
        dataset.resize(size + len(values), axis=0)
        dataset[size:] = values

    def append(self, event: RawEvent) -> None:
        """Append one event: an image for every APA of which the event has at least one channel."""
        if len(event.channel) and int(event.channel[-1]) >= N_APAS * CHANNELS_PER_APA:
            raise ProtoduneError(
                f"event {event.event_id}: channel {event.channel[-1]}, expected at most {N_APAS * CHANNELS_PER_APA - 1} "
                "(ProtoDUNE-SP); is this another detector's file?"
            )
        for name in ("run", "subrun", "event"):
            self._append(f"events/{name}", np.array([getattr(event, name)], np.uint32))
        self._append("events/timestamp", np.array([event.timestamp], np.uint64))
        if event.particles is not None:
            self._append("particles/list", event.particles)
        self._append("particles/offset", np.array([self._file["particles/list"].shape[0]], np.int64))
        for apa in np.unique(event.channel // CHANNELS_PER_APA):
            self._append("images/event_row", np.array([self.n_events], np.int32))
            self._append("images/apa", np.array([apa], np.int16))
            for plane in PLANES:
                self._append_plane(plane, int(apa), event)
            self.n_images += 1
        self.n_events += 1

    def _append_plane(self, plane: str, apa: int, event: RawEvent) -> None:
        channels = plane_channels(plane, apa)
        start, stop = np.searchsorted(event.channel, [channels[0], channels[-1] + 1])
        rows = (event.channel[start:stop] - channels[0]).astype(np.int64)
        here = slice(start, stop)
        adc = np.zeros((len(channels), self.ticks), np.int16)
        status = np.full(len(channels), STATUS_MISSING, np.uint8)
        pedestal, rms = np.zeros((2, len(channels)), np.float32)
        if len(rows):
            adc[rows] = event.adc[here]
            pedestal[rows], rms[rows] = estimate_pedestal(event.adc[here])
            status[rows] = np.where(event.n_samples[here] < self.ticks, STATUS_SHORT, 0)
            status[rows] |= np.where(rms[rows] < QUIET_RMS_ADC, STATUS_QUIET, 0).astype(np.uint8)
            status[rows] |= np.where(rms[rows] > NOISY_RMS_ADC, STATUS_NOISY, 0).astype(np.uint8)
        status |= np.where(np.isin(channels, self._bad_channels), STATUS_LISTED, 0).astype(np.uint8)
        for name, values in (("channel", channels), ("pedestal", pedestal), ("noise_rms", rms), ("status", status)):
            self._append(f"{plane}/{name}", values[None])
        self._append(f"{plane}/adc", adc[None])
        if self._with_clean:
            clean = np.zeros_like(adc)
            clean[rows] = event.clean[here]
            self._append(f"{plane}/clean", clean[None])
        if self._with_charge:
            self._append_charge(plane, channels, event)

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
        self.ticks = int(self._file.attrs["ticks"])
        self.about: dict = json.loads(self._file.attrs["about"])
        self.losses: list[dict] = json.loads(self._file.attrs["losses"])
        self.event_row = self._file["images/event_row"][:]
        self.apa = self._file["images/apa"][:]
        self.event_ids = list(zip(*(self._file[f"events/{k}"][:].tolist() for k in ("run", "subrun", "event")), strict=True))

    def __enter__(self) -> EventStore:
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def __len__(self) -> int:
        """Number of images (event and APA)."""
        return len(self.apa)

    @property
    def has_clean(self) -> bool:
        """Whether noise-free waveforms are there."""
        return "clean" in self._file["U"]

    @property
    def has_charge(self) -> bool:
        """Whether true charge is there."""
        return "charge" in self._file["U"]

    def event_id(self, image: int) -> tuple[int, int, int]:
        """(run, subrun, event) of an image."""
        return self.event_ids[self.event_row[image]]

    def adc(self, plane: str, image: int) -> np.ndarray:
        """Raw samples of a plane, int16 (channels, ticks), ADC."""
        return self._file[f"{plane}/adc"][image]

    def pedestal(self, plane: str, image: int) -> np.ndarray:
        """Pedestal, float32 (channels,), ADC."""
        return self._file[f"{plane}/pedestal"][image]

    def noise_rms(self, plane: str, image: int) -> np.ndarray:
        """Noise rms, float32 (channels,), ADC."""
        return self._file[f"{plane}/noise_rms"][image]

    def status(self, plane: str, image: int) -> np.ndarray:
        """Status bits, uint8 (channels,)."""
        return self._file[f"{plane}/status"][image]

    def channel(self, plane: str, image: int) -> np.ndarray:
        """Offline channel numbers, uint32 (channels,)."""
        return self._file[f"{plane}/channel"][image]

    def waveforms(self, plane: str, image: int) -> np.ndarray:
        """Pedestal-subtracted samples, float32 (channels, ticks), ADC; bad channels are zero."""
        signal = self.adc(plane, image) - self.pedestal(plane, image)[:, None]
        signal[self.bad(plane, image)] = 0
        return signal

    def clean(self, plane: str, image: int) -> np.ndarray:
        """Noise-free waveforms, float32 (channels, ticks), ADC."""
        if not self.has_clean:
            raise ProtoduneError(f"{self.path}: has no noise-free waveforms, which this step needs; give a simulated sample")
        dataset = self._file[f"{plane}/clean"]
        return dataset[image] * np.float32(dataset.attrs["adc_per_count"])

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
        dense = np.zeros((PLANES[plane].n_channels, self.ticks), np.float32)
        np.add.at(dense, (group["row"][rows], group["tick"][rows]), group["electrons"][rows])
        return dense

    def _charge_rows(self, plane: str, image: int) -> tuple[h5py.Group, slice]:
        if not self.has_charge:
            raise ProtoduneError(f"{self.path}: has no true charge, which this step needs; give a simulated sample")
        group = self._file[f"{plane}/charge"]
        start, stop = group["offset"][image : image + 2]
        return group, slice(int(start), int(stop))
