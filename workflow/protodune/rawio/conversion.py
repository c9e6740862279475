"""From a file of raw digits to an event store, one event at a time."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from protodune.core.errors import ProtoduneError, SourceLostError, shown
from protodune.core.files import read_text
from protodune.core.provenance import versions
from protodune.core.settings import defaults_of
from protodune.detector.model import Detector
from protodune.detector.registry import DEFAULT, find_detector
from protodune.events.store import Estimate, EventWriter
from protodune.events.types import RawEvent, RawSource
from protodune.rawio.remote import AS_IS, Access
from protodune.rawio.source import open_raw

MAX_BASELINE_ADC = 20.0
"""How far a noise-free baseline may be from the recorded pedestal; ADC of the reference gain."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
@defaults_of("convert")
class ConvertSettings:
    """``kind``: simulation or data; ``tag``: which digits of an art file; ``on_damaged_event``: stop, or skip and record;
    ``stretch_slow_board``: stretch the ticks of a board with a slower clock to the readout, if the ``detector`` (by name)
    has one: auto (where the file says that its digits are short by as much), always or never; ``noisy_above``: channels with
    more noise than this many times the median of their plane are noisy (None: only those above 30 ADC)."""

    sample: str
    kind: str
    tag: str | None = None
    on_damaged_event: str
    stretch_slow_board: str
    noisy_above: float | None
    detector: str = DEFAULT

    def __post_init__(self):
        for name, options in (
            ("kind", ("simulation", "data")),
            ("on_damaged_event", ("stop", "skip")),
            ("stretch_slow_board", ("auto", "always", "never")),
        ):
            if getattr(self, name) not in options:
                *first, last = options
                raise ProtoduneError(f"{name}: found '{getattr(self, name)}', expected {', '.join(first)} or {last}")


@dataclass
class Reading:
    """Events as they are read, and what could not be read."""

    raw: RawSource
    noise_off: RawSource | None
    detector: Detector
    settings: ConvertSettings
    lost: list[dict] = field(default_factory=list)
    truth: bool = True

    def events(self) -> Iterator[RawEvent]:
        """Yield the events that can be read; a damaged one stops the conversion or is recorded, as the settings say."""
        partners = self._partners()
        for index in range(len(self.raw)):
            try:
                event = self._stretched(self.raw.read(index, self.truth))
                if self.noise_off is not None and event.adc.size:
                    partner = self._stretched(self.noise_off.read(self._partner(partners, event.event_id)))
                    add_truth(event, partner, self.detector, self.noise_off.path)
                _check_charge(event, self.raw.path)
            except ProtoduneError as error:
                if self.settings.on_damaged_event == "stop" or isinstance(error, SourceLostError):
                    raise
                self.lost.append({"entry": index, "cause": str(error)})
                log.warning("left out: %s", error)
                continue
            if event.adc.size == 0:
                log.warning("%s: event %s holds no digits", self.raw.path, event.event_id)
            yield event
            del event  # before the next one is read

    def _stretched(self, event: RawEvent) -> RawEvent:
        """The event with the board with the slower clock stretched, as the settings say."""
        if event.adc.size and self.settings.stretch_slow_board != "never":
            stretch_slow_board(event, self.detector, only_short=self.settings.stretch_slow_board == "auto")
        return event

    def _ids(self, source: RawSource) -> Iterator[tuple[int, tuple[int, int, int]]]:
        """Entries and ids of the events of a file; a damaged one stops the conversion or is left out, as set."""
        for index in range(len(source)):
            try:
                yield index, source.event_id(index)
            except ProtoduneError as error:
                if self.settings.on_damaged_event == "stop" or isinstance(error, SourceLostError):
                    raise

    def _partners(self) -> dict[tuple[int, int, int], int]:
        if self.noise_off is None:
            return {}
        partners = {event_id: index for index, event_id in self._ids(self.noise_off)}
        if len(partners) == len(self.noise_off):  # else the partners of some events are lost
            for _, event_id in self._ids(self.raw):
                self._partner(partners, event_id)
        return partners

    def _partner(self, partners: dict[tuple[int, int, int], int], event_id: tuple[int, int, int]) -> int:
        if event_id not in partners:
            raise ProtoduneError(
                f"{self.noise_off.path}: has no event (run, subrun, event) {event_id} of {self.raw.path}, found "
                f"{', '.join(map(str, list(partners)[:3]))}; give the noise-off file of the same events"
            )
        return partners[event_id]


def convert_file(
    settings: ConvertSettings,
    source: str,
    partner: str | None,
    output: str,
    estimate: Estimate,
    bad_channels: str | None = None,
    threads: int = 1,
    access: Access = AS_IS,
) -> None:
    """Convert ``source`` (with the truth of ``partner``) into the event store ``output``.

    ``estimate``: see ``EventWriter.open``; ``bad_channels``: path of a list of channels; ``threads`` unpack baskets;
    ``access``: how the bytes of the source come here, its partner's without ``adler32``.
    """
    conversion = Conversion.begin(settings, source, partner, estimate, bad_channels, threads, access)
    with conversion.writer(output) as writer:
        total = len(conversion.reading.raw)
        for event in tqdm(conversion.events, total=total, desc=settings.sample, unit="event", disable=None):
            conversion.append(writer, event)
            del event  # before the next one is read
        writer.record_lost_events(conversion.lost)
        conversion.log(writer.n_events, writer.n_images)


@dataclass
class Conversion:
    """A file that is being converted: its ``events`` one after the other, and what a store of them needs."""

    settings: ConvertSettings
    source: str
    reading: Reading
    events: Iterator[RawEvent]
    ticks: int
    options: dict

    @classmethod
    def begin(
        cls,
        settings: ConvertSettings,
        source: str,
        partner: str | None,
        estimate: Estimate,
        bad_channels: str | None = None,
        threads: int = 1,
        access: Access = AS_IS,
        truth: bool = True,
    ) -> Conversion:
        """Open the files and read to the first event with digits; see ``convert_file``.  ``truth``: take over what the file
        knows of it."""
        detector = find_detector(settings.detector)
        raw = _open(source, settings, detector, threads, access)
        noise_off = _open(partner, settings, detector, threads, access.of(None)) if partner else None
        if len(raw) == 0:
            raise ProtoduneError(f"{source}: found no events, expected at least one; check the job that wrote the file")
        reading = Reading(raw, noise_off, detector, settings, truth=truth)
        events = reading.events()
        begun = _first_with_digits(events, reading, source)
        first = begun[-1]
        about = {
            "sample": settings.sample, "kind": settings.kind, "source": source, "partner": partner,
            "source_about": raw.about, "settings": dataclasses.asdict(settings),
            "versions": versions("numpy", "h5py", "hdf5plugin", "uproot"),
        }  # fmt: skip
        options = {
            "estimate": estimate, "with_clean": first.clean is not None, "with_charge": first.charge is not None,
            "about": about, "noisy_above": settings.noisy_above,
            "bad_channels": read_channel_list(bad_channels, detector) if bad_channels else None,
        }  # fmt: skip
        return cls(settings, source, reading, _then(begun, events), first.adc.shape[1], options)

    @property
    def lost(self) -> list[dict]:
        """The events that could not be read so far."""
        return self.reading.lost

    def writer(self, output: str | Path) -> contextlib.AbstractContextManager[EventWriter]:
        """Begin an event store for some of the events."""
        return EventWriter.open(output, self.reading.detector, self.ticks, **self.options)

    def append(self, writer: EventWriter, event: RawEvent) -> None:
        """Add an event to a store; one of another length is a ProtoduneError."""
        if event.adc.size and event.adc.shape[1] != self.ticks:
            raise ProtoduneError(
                f"{self.source}: event {event.event_id} has {event.adc.shape[1]} ticks, the first event {self.ticks}; "
                "expected one readout length per file; split the file by readout length"
            )
        writer.append(event)

    def log(self, n_events: int, n_images: int) -> None:
        """Say what the file held."""
        truth = [name for name in ("clean", "charge") if self.options[f"with_{name}"]]
        log.info(
            "%s (%s): %d events, %d %s images, %d ticks, truth: %s, left out: %d",
            self.source, self.reading.raw.flavour, n_events, n_images, self.reading.detector.unit_name, self.ticks,
            ", ".join(truth) or "none", len(self.lost),
        )  # fmt: skip


def _then(begun: list[RawEvent], events: Iterator[RawEvent]) -> Iterator[RawEvent]:
    """Yield what was read already, without keeping it, and the rest."""
    while begun:
        yield begun.pop(0)
    yield from events


def _open(path: str, settings: ConvertSettings, detector: Detector, threads: int, access: Access) -> RawSource:
    """Open a raw file; one that names its detector must be of this one."""
    raw = open_raw(path, settings.tag, threads, access)
    named = raw.about.get("detector", settings.detector)
    if named != settings.detector:
        raise ProtoduneError(
            f"{path}: simulated for detector {named}, expected {settings.detector}; mend 'detector' in the sample sheet"
        )
    return raw


def _first_with_digits(events: Iterator[RawEvent], reading: Reading, source: str) -> list[RawEvent]:
    """Read on to the first event that holds digits; return the empty ones before it, and it."""
    begun = []
    for event in events:
        begun.append(event)
        if event.adc.size:
            return begun
    raise ProtoduneError(
        f"{source}: none of {len(reading.raw)} events holds digits that can be read, expected raw waveforms"
        + (f" ({len(reading.lost)} damaged: {reading.lost[0]['cause']})" if reading.lost else "")
        + "; give the file after the decoder or detsim stage"
    )


def _check_charge(event: RawEvent, where: str) -> None:
    if event.charge is not None and not np.isfinite(event.charge.electrons).all():
        row = int(np.argmin(np.isfinite(event.charge.electrons)))
        raise ProtoduneError(
            f"{where}: event {event.event_id}, channel {event.charge.channel[row]}, tick {event.charge.tick[row]}: "
            f"{event.charge.electrons[row]} electrons, expected a finite number; the file is damaged"
        )


def add_truth(event: RawEvent, partner: RawEvent, detector: Detector, where: str) -> None:
    """Set ``event.clean`` (and charge, if it has none) from the same event with noise off.

    clean = digits - pedestal as the partner's digits record it.  Same channels and length are required, and a baseline
    near zero after the subtraction, so that a partner with another pedestal convention gives no wrong number.
    """
    if not np.array_equal(event.channel, partner.channel) or event.adc.shape != partner.adc.shape:
        raise ProtoduneError(
            f"{where}: event {event.event_id} has {partner.adc.shape[0]} channels x {partner.adc.shape[1]} ticks, the noisy "
            f"file {event.adc.shape[0]} x {event.adc.shape[1]}; expected the same channels; give the noise-off file of the "
            "same events"
        )
    baseline = np.median(partner.adc, axis=1) - partner.pedestal
    worst = int(np.argmax(np.abs(baseline)))
    # A pedestal that is no number is the worst for argmax, and within no limit.
    if not abs(baseline[worst]) <= MAX_BASELINE_ADC * max(plane.adc_scale for plane in detector.planes()):
        raise ProtoduneError(
            f"{where}: event {event.event_id}, channel {partner.channel[worst]}: baseline {baseline[worst]:.1f} ADC off the "
            "recorded pedestal, expected a noise-free waveform that rests at fPedestal; is this the noise-off file?"
        )
    counts = np.rint((partner.adc - partner.pedestal[:, None]) / np.float32(detector.adc_per_count))
    event.clean = np.clip(counts, -32767, 32767).astype(np.int16)
    if event.charge is None:
        event.charge = partner.charge


def stretch_slow_board(event: RawEvent, detector: Detector, only_short: bool) -> None:
    """Resample the channels of the board with the slower clock to the whole readout (Fourier), in place.

    The decoder has padded these channels at their end.  ``only_short``: only those whose digits say so.  Without such a
    board nothing happens.
    """
    slow, ticks = detector.slow_board, event.adc.shape[1]
    short = detector.slow_ticks(ticks)
    if slow is None or short == ticks:
        return
    rows = np.flatnonzero(np.isin(event.channel, detector.units[slow.unit].board_channels(slow.board)))
    if only_short:
        rows = rows[event.n_ticks[rows] == short]
    if len(rows) == 0:
        return
    from scipy.signal import resample  # takes a second to import, and few files need it

    stretched = resample(event.adc[rows, :short].astype(np.float64), ticks, axis=1)
    event.adc[rows] = np.clip(np.rint(stretched), -32768, 32767).astype(np.int16)
    event.n_ticks[rows] = ticks


def read_channel_list(path: str, detector: Detector) -> np.ndarray:
    """Read a list of offline channels, uint32: one number per line, # begins a comment."""
    content = read_text(path, "a list of channels", "mend 'bad_channels' in the configuration")
    most = detector.n_channels - 1
    channels = []
    for number, line in enumerate(io.StringIO(content, newline=None), start=1):
        text = line.split("#")[0].strip()
        if not text:
            continue
        digits = text.lstrip("0") or "0"
        if not (text.isascii() and text.isdigit()) or len(digits) > len(str(most)) or int(digits) > most:
            raise ProtoduneError(
                f"{path}: line {number}: found {shown(text)}, expected a channel from 0 to {most} ({detector.title})"
            )
        channels.append(int(digits))
    return np.array(channels, dtype=np.uint32)
