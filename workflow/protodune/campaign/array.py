"""``protodune.clean``: an array of raw digits through the same chain as files."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from protodune.campaign.chain import STEP
from protodune.campaign.methods import UNET, load_methods, name_of
from protodune.classical.pedestal import estimate_pedestal
from protodune.core.errors import ProtoduneError
from protodune.detector.model import Detector
from protodune.detector.registry import DEFAULT, find_detector
from protodune.events.products import Products
from protodune.events.store import EventStore, EventWriter
from protodune.events.truth import region_ticks
from protodune.events.types import RawEvent
from protodune.learning.method import infer_sample


@dataclass(frozen=True)
class Cleaned:
    """What networks made of the digits of an event; rows as those that were given.

    ``channel`` uint32 (n,): offline channels; ``denoised`` float32 (n, ticks), ADC without pedestal; ``charge`` and
    ``charge_error`` float32 (n, ticks), electrons per tick, zero outside regions; ``regions`` bool (n, ticks); ``bad`` bool
    (n,): channels without a usable waveform, of which all is zero.  An image that the networks do not make is None.
    ``about`` by family of planes: weights, settings, versions.
    """

    channel: np.ndarray
    denoised: np.ndarray | None
    charge: np.ndarray | None
    charge_error: np.ndarray | None
    regions: np.ndarray | None
    bad: np.ndarray
    about: dict[str, dict]


def clean(
    adc: np.ndarray,
    channel: Sequence[int] | None = None,
    *,
    detector: str = DEFAULT,
    weights: str = UNET,
    bad_channels: Sequence[int] = (),
    noisy_above: float | None = 3.0,
    runtime: str = "auto",
    precision: str = "auto",
    threads: int = 1,
) -> Cleaned:
    """Clean the raw digits of one event by networks; the numbers are those of ``protodune clean``.

    ``adc`` integers (n, ticks), pedestal included; ``channel``: offline channel of each row, None: 0 to n - 1, for whole
    units of the detector.  Channels that are not given count as missing.  ``bad_channels`` are left out;
    ``noisy_above``: so are channels with more noise than this many times the median of their plane (None: only those above
    30 ADC).  ``weights``: a path with ``{family}`` in it.  The networks are loaded once in a process.
    """
    known = find_detector(detector)
    event, order = _event(np.asarray(adc), channel, known)
    methods = load_methods(weights, runtime, precision, threads)
    with tempfile.TemporaryDirectory(prefix="protodune-") as folder:
        events = str(Path(folder) / "events.h5")
        options = {"with_clean": False, "with_charge": False, "about": {"source": "array"}, "noisy_above": noisy_above}
        listed = np.asarray(bad_channels, np.uint32)
        with EventWriter.open(
            events, known, event.adc.shape[1], estimate=estimate_pedestal, bad_channels=listed, **options
        ) as writer:
            writer.append(event)
        products = {family: str(Path(folder) / f"{family}.h5") for family in methods}
        for family, method in methods.items():
            infer_sample(method, STEP, name_of(weights), events, products[family], code=None)
        with EventStore(events) as store:
            return _collected(store, products, event.channel, np.argsort(order))


def _event(adc: np.ndarray, channel: Sequence[int] | None, detector: Detector) -> tuple[RawEvent, np.ndarray]:
    """Return the digits as an event, and the order that sorts them by channel."""
    if adc.ndim != 2 or 0 in adc.shape:
        raise ProtoduneError(f"clean: found an array of shape {adc.shape}, expected (channels, ticks), neither of them 0")
    if adc.dtype.kind not in "iu" or adc.min() < -32768 or adc.max() > 32767:
        raise ProtoduneError(
            f"clean: found {adc.dtype} from {adc.min()} to {adc.max()}, expected whole ADC counts of 16 bits, with pedestal"
        )
    if channel is None:
        sizes = {unit.first_channel + unit.n_channels for unit in detector.units}
        if len(adc) not in sizes:
            raise ProtoduneError(
                f"clean: found {len(adc)} rows, expected {min(sizes)} for each {detector.unit_name} ({detector.title}); or "
                "give 'channel', the offline channel of each row"
            )
        channel = range(len(adc))
    given = np.asarray(channel)
    if given.shape != (len(adc),) or given.dtype.kind not in "iu" or given.min() < 0:
        raise ProtoduneError(
            f"clean: channel: found {given.dtype} of shape {given.shape}, expected a channel number for each of {len(adc)} "
            "rows"
        )
    order = np.argsort(given, kind="stable")
    ordered = given[order]
    if (ordered[1:] == ordered[:-1]).any():
        twice = ordered[1:][ordered[1:] == ordered[:-1]][0]
        raise ProtoduneError(f"clean: channel {twice} is given twice, expected each once")
    n, ticks = adc.shape
    zero = np.zeros(n, np.float32)
    return RawEvent(0, 0, 0, ordered.astype(np.uint32), adc[order].astype(np.int16), np.full(n, ticks), zero), order


def _collected(store: EventStore, paths: dict[str, str], channel: np.ndarray, back: np.ndarray) -> Cleaned:
    """Return what the products hold of ``channel``, ascending, in the order ``back``."""
    images: dict[str, np.ndarray] = {}
    bad, about = np.zeros(len(channel), bool), {}
    for family, path in paths.items():
        with Products(path) as products:
            about[family] = products.about
            for image in range(len(store)):
                for plane in store.family(family, image):
                    here = np.flatnonzero(np.isin(channel, plane.channels))
                    rows = channel[here] - plane.first_channel
                    bad[here] = store.bad(plane.name, image)[rows]
                    for name in products.names():
                        values = products.image(name, plane.name, image)[..., rows, :]
                        if name == "regions":
                            values = region_ticks(values, products.threshold)
                        images.setdefault(name, np.zeros((len(channel), store.ticks), values.dtype))[here] = values
    ordered = {name: images[name][back] if name in images else None for name in _IMAGES}
    return Cleaned(channel=channel[back], bad=bad[back], about=about, **ordered)


_IMAGES = ("denoised", "charge", "charge_error", "regions")
