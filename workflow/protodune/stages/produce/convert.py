"""Convert a file of raw digits to an event store, one event at a time."""

from __future__ import annotations

import argparse
import dataclasses
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.signal import resample
from tqdm import tqdm

from protodune.core.errors import ProtoduneError
from protodune.core.files import require_file
from protodune.detector.geometry import FEMB_302_APA, FEMB_302_TICKS, N_CHANNELS, READOUT_TICKS, femb_channels
from protodune.core.memory import keep_freed_memory
from protodune.core.provenance import versions
from protodune.events.types import CLEAN_ADC_PER_COUNT, RawEvent, RawSource
from protodune.rawio.source import open_raw
from protodune.core.settings import parse_settings
from protodune.stages.command import run_stage, stage_parser
from protodune.events.store import EventWriter

log = logging.getLogger(__name__)
MAX_BASELINE_ADC = 20.0


@dataclass(frozen=True)
class ConvertSettings:
    """``tag``: which digits of an art file; ``kind``: simulation or data; ``on_damaged_event``: stop, or skip and record;
    ``resample_femb302``: stretch the 5996 ticks of FEMB 302's slower clock to the readout: auto (where the file says that
    its digits are short by as much), always or never."""

    sample: str
    kind: str
    tag: str | None = None
    on_damaged_event: str = "stop"
    resample_femb302: str = "auto"

    def __post_init__(self):
        if self.on_damaged_event not in ("stop", "skip"):
            raise ProtoduneError(f"on_damaged_event: found '{self.on_damaged_event}', expected stop or skip")
        if self.resample_femb302 not in ("auto", "always", "never"):
            raise ProtoduneError(f"resample_femb302: found '{self.resample_femb302}', expected auto, always or never")


@dataclass
class Reading:
    """Events as they are read, and what could not be read."""

    raw: RawSource
    noise_off: RawSource | None
    settings: ConvertSettings
    losses: list[dict] = field(default_factory=list)

    def events(self) -> Iterator[RawEvent]:
        """Yield the events that can be read; a damaged one stops the conversion or is recorded, as the settings say."""
        partners = self._partners()
        for index in range(len(self.raw)):
            try:
                event = self.raw.read(index)
                if self.noise_off is not None and event.adc.size:
                    add_truth(event, self.noise_off.read(partners[event.event_id]), self.noise_off.path)
            except ProtoduneError as error:
                if self.settings.on_damaged_event == "stop":
                    raise
                self.losses.append({"entry": index, "cause": str(error)})
                log.warning("left out: %s", error)
                continue
            if event.adc.size == 0:
                log.warning("%s: event %s holds no digits", self.raw.path, event.event_id)
            elif self.settings.resample_femb302 != "never":
                stretch_femb302(event, only_short=self.settings.resample_femb302 == "auto")
            yield event

    def _partners(self) -> dict[tuple[int, int, int], int]:
        if self.noise_off is None:
            return {}
        partners = {self.noise_off.event_id(index): index for index in range(len(self.noise_off))}
        for index in range(len(self.raw)):
            try:
                event_id = self.raw.event_id(index)
            except ProtoduneError:
                if self.settings.on_damaged_event == "stop":
                    raise
                continue
            if event_id not in partners:
                raise ProtoduneError(
                    f"{self.noise_off.path}: has no event (run, subrun, event) {event_id} of {self.raw.path}, found "
                    f"{', '.join(map(str, list(partners)[:3]))}; give the noise-off file of the same events"
                )
        return partners


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("convert", __doc__)
    p.add_argument("--settings", required=True, help="JSON of ConvertSettings")
    p.add_argument("--source", required=True, help="file with the digits")
    p.add_argument("--partner", help="file with the same events, noise off")
    p.add_argument("--bad-channels", help="text file: offline channels, one a line, # begins a comment")
    p.add_argument("--output", required=True, help="HDF5 event store to write")
    p.add_argument("--threads", type=int, default=1, help="threads that unpack baskets")
    return p


def run(
    settings: ConvertSettings,
    source: str,
    partner: str | None,
    output: str,
    bad_channels: str | None = None,
    threads: int = 1,
) -> None:
    """Convert ``source`` (with the truth of ``partner``) into ``output``."""
    keep_freed_memory()
    raw = open_raw(source, settings.tag, threads)
    noise_off = open_raw(partner, settings.tag, threads) if partner else None
    if len(raw) == 0:
        raise ProtoduneError(f"{source}: found no events, expected at least one; check the job that wrote the file")
    reading = Reading(raw, noise_off, settings)
    events, empty = reading.events(), []
    for first in events:
        if first.adc.size:
            break
        empty.append(first)
    else:
        raise ProtoduneError(
            f"{source}: none of {len(raw)} events holds digits that can be read, expected raw waveforms"
            + (f" ({len(reading.losses)} damaged: {reading.losses[0]['cause']})" if reading.losses else "")
            + "; give the file after the decoder or detsim stage"
        )
    ticks = first.adc.shape[1]
    truth = {"with_clean": first.clean is not None, "with_charge": first.charge is not None}
    about = {
        "sample": settings.sample,
        "kind": settings.kind,
        "source": source,
        "partner": partner,
        "source_about": raw.about,
        "settings": dataclasses.asdict(settings),
        "versions": versions("numpy", "h5py", "hdf5plugin", "uproot"),
    }
    listed = read_channel_list(bad_channels) if bad_channels else None
    with EventWriter.open(output, ticks, **truth, about=about, bad_channels=listed) as writer:
        for event in [*empty, first]:
            _append(writer, event, source)
        del first, event
        for event in tqdm(events, initial=len(empty) + 1, total=len(raw), desc=settings.sample, unit="event", disable=None):
            _append(writer, event, source)
        writer.record_losses(reading.losses)
        known = ", ".join(name.removeprefix("with_") for name, there in truth.items() if there) or "none"
        log.info(
            "%s (%s): %d events, %d APA images, %d ticks, truth: %s, left out: %d",
            source, raw.flavour, writer.n_events, writer.n_images, ticks, known, len(reading.losses),
        )  # fmt: skip


def _append(writer: EventWriter, event: RawEvent, source: str) -> None:
    if event.adc.size and event.adc.shape[1] != writer.ticks:
        raise ProtoduneError(
            f"{source}: event {event.event_id} has {event.adc.shape[1]} ticks, the first event {writer.ticks}; "
            "expected one readout length a file; split the file by readout length"
        )
    writer.append(event)


def add_truth(event: RawEvent, partner: RawEvent, where: str) -> None:
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
    if abs(baseline[worst]) > MAX_BASELINE_ADC:
        raise ProtoduneError(
            f"{where}: event {event.event_id}, channel {partner.channel[worst]}: baseline {baseline[worst]:.1f} ADC off the "
            "recorded pedestal, expected a noise-free waveform that rests at fPedestal; is this the noise-off file?"
        )
    counts = np.rint((partner.adc - partner.pedestal[:, None]) / np.float32(CLEAN_ADC_PER_COUNT))
    event.clean = np.clip(counts, -32767, 32767).astype(np.int16)
    if event.charge is None:
        event.charge = partner.charge


def stretch_femb302(event: RawEvent, only_short: bool) -> None:
    """Resample FEMB 302's channels from 5996 to 6000 ticks (Fourier), in place: its clock was slower by 0.07 %.

    The decoder has padded these channels at their end.  ``only_short``: only those whose digits say so.
    """
    ticks = event.adc.shape[1]
    short = round(ticks * FEMB_302_TICKS / READOUT_TICKS)
    rows = np.flatnonzero(np.isin(event.channel, femb_channels(FEMB_302_APA, 2)))
    if only_short:
        rows = rows[event.n_samples[rows] == short]
    if len(rows) == 0 or short == ticks:
        return
    stretched = resample(event.adc[rows, :short].astype(np.float64), ticks, axis=1)
    event.adc[rows] = np.clip(np.rint(stretched), -32768, 32767).astype(np.int16)
    event.n_samples[rows] = ticks


def read_channel_list(path: str) -> np.ndarray:
    """Read a list of offline channels, uint32: one number a line, # begins a comment."""
    require_file(path, "a list of channels", "mend 'bad_channels' in the configuration")
    channels = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            text = line.split("#")[0].strip()
            if not text:
                continue
            if not text.isdigit() or int(text) >= N_CHANNELS:
                raise ProtoduneError(f"{path}: line {number}: found '{text}', expected a channel from 0 to {N_CHANNELS - 1}")
            channels.append(int(text))
    return np.array(channels, dtype=np.uint32)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage(
        "convert",
        lambda: run(parse_settings(ConvertSettings, a.settings), a.source, a.partner, a.output, a.bad_channels, a.threads),
    )


if __name__ == "__main__":
    raise SystemExit(main())
