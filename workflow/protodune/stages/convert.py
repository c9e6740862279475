"""Convert a ROOT file of raw digits to an event store, one event at a time."""

from __future__ import annotations

import argparse
import dataclasses
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from protodune.errors import ProtoduneError
from protodune.provenance import versions
from protodune.rawio.events import CLEAN_ADC_PER_COUNT, RawEvent, RawSource
from protodune.rawio.source import open_raw
from protodune.settings import parse_settings
from protodune.stages.command import run_stage, stage_parser
from protodune.store import EventWriter

log = logging.getLogger(__name__)
MAX_BASELINE_ADC = 20.0


@dataclass(frozen=True)
class ConvertSettings:
    """``tag``: which digits of an art file; ``kind``: simulation or data."""

    sample: str
    kind: str
    tag: str | None = None


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("convert", __doc__)
    p.add_argument("--settings", required=True, help="JSON of ConvertSettings")
    p.add_argument("--source", required=True, help="ROOT file with the digits")
    p.add_argument("--partner", help="ROOT file with the same events, noise off")
    p.add_argument("--output", required=True, help="HDF5 event store to write")
    return p


def run(settings: ConvertSettings, source: str, partner: str | None, output: str) -> None:
    """Convert ``source`` (with the truth of ``partner``) into ``output``."""
    raw = open_raw(source, settings.tag)
    noise_off = open_raw(partner, settings.tag) if partner else None
    if len(raw) == 0:
        raise ProtoduneError(f"{source}: found no events, expected at least one; check the job that wrote the file")
    events = _events(raw, noise_off)
    first = next(events)
    ticks = first.adc.shape[1]
    about = {
        "sample": settings.sample,
        "kind": settings.kind,
        "source": source,
        "partner": partner,
        "source_about": raw.about,
        "settings": dataclasses.asdict(settings),
        "versions": versions("numpy", "h5py", "hdf5plugin", "uproot"),
    }
    with_clean, with_charge = first.clean is not None, first.charge is not None
    with EventWriter.open(output, ticks, with_clean=with_clean, with_charge=with_charge, about=about) as writer:
        _append(writer, first, source)
        for event in tqdm(events, initial=1, total=len(raw), desc=settings.sample, unit="event", disable=None):
            _append(writer, event, source)
        truth = ", ".join(n for n, there in (("clean", with_clean), ("charge", with_charge)) if there) or "none"
        log.info(
            "%s (%s): %d events, %d APA images, %d ticks, truth: %s",
            source, raw.flavour, writer.n_events, writer.n_images, ticks, truth,
        )  # fmt: skip


def _append(writer: EventWriter, event: RawEvent, source: str) -> None:
    if event.adc.shape[1] != writer.ticks:
        raise ProtoduneError(
            f"{source}: event {event.event_id} has {event.adc.shape[1]} ticks, the first event {writer.ticks}; "
            "expected one readout length a file; split the file by readout length"
        )
    writer.append(event)


def _events(raw: RawSource, noise_off: RawSource | None) -> Iterator[RawEvent]:
    partners = {}
    if noise_off is not None:
        partners = {event_id: index for index, event_id in enumerate(noise_off.event_ids())}
        missing = [event_id for event_id in raw.event_ids() if event_id not in partners]
        if missing:
            raise ProtoduneError(
                f"{noise_off.path}: has no event (run, subrun, event) {missing[0]} of {raw.path}, found "
                f"{', '.join(map(str, list(partners)[:3]))}; give the noise-off file of the same events"
            )
    for index in range(len(raw)):
        event = raw.read(index)
        if event.adc.size == 0:
            raise ProtoduneError(
                f"{raw.path}: event {event.event_id} holds no digits, expected raw waveforms; "
                "give the file after the decoder or detsim stage"
            )
        if noise_off is not None:
            add_truth(event, noise_off.read(partners[event.event_id]), noise_off.path)
        yield event


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


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    args = parser().parse_args(argv)
    return run_stage(
        "convert", lambda: run(parse_settings(ConvertSettings, args.settings), args.source, args.partner, args.output)
    )


if __name__ == "__main__":
    raise SystemExit(main())
