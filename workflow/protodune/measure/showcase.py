"""What event displays show: busy windows, windows around signals, channels that physicists look at, training patches."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter

from protodune.core.errors import ProtoduneError
from protodune.detector.model import Plane
from protodune.events.products import Products
from protodune.events.store import EventStore
from protodune.events.true_regions import TrueRegions, true_regions
from protodune.events.truth import LABEL_ADC

DISPLAY_TICKS = 1600
WAVEFORM_TICKS = 300
PROLONGED_PIXELS = (60, 900)
ZOOM_PIXELS = (60, 300)
"""Channels and ticks of the windows of zooms."""
HIT_ADC = 10.0
"""Values above this, in ADC of the reference gain, make a window busy."""
MIN_IONISATION, MIN_CHANNELS, PROLONGED_DEG = 0.7, 5, 60.0
"""What a region of a track must have in minimum ionising particles, a track in channels, and a prolonged one in theta_xz to
be shown as typical."""


@dataclass(frozen=True)
class Window:
    """A part of a plane: its ``label``, the ``tick`` and offline ``channel`` of its first pixel, and images, float
    (channels, ticks), ADC, by name."""

    label: str
    tick: int
    channel: int
    panels: dict[str, np.ndarray]

    def summary(self) -> list[dict]:
        """Mean, rms and extremes of each image, one row each."""
        return [
            {"window": self.label or "busiest", "panel": name, "mean": float(p.mean()), "rms": float(p.std()),
             "min": float(p.min()), "max": float(p.max())}
            for name, p in self.panels.items()
        ]  # fmt: skip


class Shown:
    """The plane of a sample that event displays show: the first image that has the family, its last plane; a context
    manager.

    ``products``: files of methods by the name that the figure gives them; ``last`` false takes the first plane instead.
    """

    def __init__(self, events: str, family: str, products: dict[str, str], last: bool = True):
        self._files = contextlib.ExitStack()
        self.store = self._files.enter_context(EventStore(events))
        self._products = {name: self._files.enter_context(Products(path)) for name, path in products.items()}
        for found in self._products.values():
            found.check_matches(self.store)
        images = [i for i in range(len(self.store)) if self.store.family(family, i)]
        if not images:
            raise ProtoduneError(
                f"{events}: holds no image with {family} planes, expected at least one to draw; check its conversion"
            )
        self.image = images[0]
        self.plane: Plane = self.store.family(family, self.image)[-1 if last else 0]

    def __enter__(self) -> Shown:
        return self

    def __exit__(self, *_) -> None:
        self._files.close()

    def raw(self) -> np.ndarray:
        """Raw waveforms less the pedestal, float32 (channels, ticks), ADC."""
        return self.store.waveforms(self.plane.name, self.image)

    def truth(self) -> np.ndarray:
        """Noise-free waveforms, float32 (channels, ticks), ADC."""
        return self.store.clean(self.plane.name, self.image)

    def denoised(self, name: str) -> np.ndarray:
        """What a method made of the waveforms, float32 (channels, ticks), ADC."""
        return self._products[name].image("denoised", self.plane.name, self.image)

    def channels(self) -> np.ndarray:
        """Offline channels, uint32 (channels,)."""
        return self.store.channel(self.plane.name, self.image)

    def regions(self) -> TrueRegions | None:
        """The true regions of good channels; None without true charge."""
        if not self.store.has_charge:
            return None
        found = true_regions(self.store, self.plane.name, self.image)
        return found.where(~self.store.bad(self.plane.name, self.image)[found.row])

    def title(self, sample: str) -> str:
        """Sample, event, unit and plane in words."""
        run, subrun, event = self.store.event_id(self.image)
        unit = f"{self.store.detector.unit_name} {self.plane.unit}"
        return f"{sample}: run {run} subrun {subrun} event {event}, {unit}, plane {self.plane.name}"


def display_windows(shown: Shown, network: str) -> list[Window]:
    """Return the busiest window of the rows that face the drift volume."""
    rows = shown.plane.drift_slice
    ticks = busiest_window(shown.denoised(network)[rows], DISPLAY_TICKS, HIT_ADC * shown.plane.adc_scale)
    return _windows(shown, network, {"": (rows, ticks)})


def zoom_windows(shown: Shown, network: str) -> list[Window]:
    """Return two small windows: around the longest signal of a channel, and where most charge is."""
    image = shown.truth() if shown.store.has_clean else shown.denoised(network)
    size, least = np.abs(image), LABEL_ADC * shown.plane.adc_scale
    long = int(np.argmax((size > least).sum(axis=1)))
    middle = int(np.median(np.flatnonzero(size[long] > least))) if (size[long] > least).any() else image.shape[1] // 2
    busy = uniform_filter(size, ZOOM_PIXELS, mode="constant")
    most = np.unravel_index(int(np.argmax(busy)), busy.shape)
    places = {
        "longest signal": _around(image.shape, (long, middle), PROLONGED_PIXELS),
        "most charge": _around(image.shape, most, ZOOM_PIXELS),
    }
    return _windows(shown, network, places)


def busiest_window(image: np.ndarray, ticks: int, least_adc: float = HIT_ADC) -> slice:
    """Return the window of at most ``ticks`` ticks in which the most pixels exceed ``least_adc``; image float
    (channels, ticks), ADC."""
    hits = np.concatenate([[0], np.cumsum((np.abs(image) > least_adc).sum(axis=0))])
    ticks = min(ticks, image.shape[1])
    start = int(np.argmax(hits[ticks:] - hits[:-ticks]))
    return slice(start, start + ticks)


def _around(shape: tuple[int, int], centre: tuple[int, int], size: tuple[int, int]) -> tuple[slice, slice]:
    starts = [int(np.clip(c - s // 2, 0, max(0, n - s))) for c, s, n in zip(centre, size, shape, strict=True)]
    return tuple(slice(start, min(start + s, n)) for start, s, n in zip(starts, size, shape, strict=True))


def _windows(shown: Shown, network: str, places: dict[str, tuple[slice, slice]]) -> list[Window]:
    raw, denoised = shown.raw(), shown.denoised(network)
    images = {"raw": raw, f"denoised ({network})": denoised}
    if shown.store.has_clean:
        images |= {"truth": shown.truth(), "denoised - truth": denoised - shown.truth()}
    else:
        images |= {"raw - denoised": raw - denoised}
    channels = shown.channels()
    return [
        Window(label, ticks.start, int(channels[rows][0]), {name: image[rows, ticks] for name, image in images.items()})
        for label, (rows, ticks) in places.items()
    ]


def waveform_rows(shown: Shown, network: str, classical: str) -> list[dict]:
    """Return the waveforms of channels that are picked by their truth: channel, case, tick, and ADC of raw, classical,
    network and truth."""
    truth = shown.truth()
    sources = {
        "raw": shown.raw(),
        "classical": shown.denoised(classical),
        "network": shown.denoised(network),
        "truth": truth,
    }
    channels, rows = shown.channels(), []
    for case, row, centre in interesting_channels(truth, shown.regions(), LABEL_ADC * shown.plane.adc_scale):
        start = int(np.clip(centre - WAVEFORM_TICKS // 2, 0, max(0, truth.shape[1] - WAVEFORM_TICKS)))
        for tick in range(start, min(start + WAVEFORM_TICKS, truth.shape[1])):
            values = {name: float(source[row, tick]) for name, source in sources.items()}
            rows.append({"channel": int(channels[row]), "case": case, "tick": tick, **values})
    return rows


def interesting_channels(
    truth: np.ndarray, regions: TrueRegions | None = None, least_adc: float = LABEL_ADC
) -> list[tuple[str, int, int]]:
    """Return (case, row, tick) of what physicists look at, as far as ``truth`` (channels, ticks), ADC, and its ``regions``
    have it: an isochronous track, a prolonged one, two that overlap.

    Isochronous: the most parallel to the wires of the tracks on at least five channels, its middle one in charge.
    Prolonged: the longest region of a track at 60 degrees or more.  Overlapping: the region whose second particle gave most.
    Without such regions the highest pulse and the longest signal, without signal a channel in the middle.
    """
    size = np.abs(truth)
    if size.max(initial=0) == 0:
        return [("no signal", truth.shape[0] // 2, truth.shape[1] // 2)]
    cases = _track_cases(regions) if regions is not None else []
    if not cases:
        long = int(np.argmax((size > least_adc).sum(axis=1)))
        loud = np.flatnonzero(size[long] > least_adc)
        highest = np.unravel_index(int(np.argmax(size)), size.shape)
        cases = [("highest pulse", *highest)]
        cases += [("longest signal", long, int(np.median(loud)))] if len(loud) else []
    return [(case, int(row), int(tick)) for case, row, tick in cases]


def _track_cases(regions: TrueRegions) -> list[tuple[str, int, int]]:
    """The cases of ``interesting_channels`` that true regions have."""
    found: list[tuple[str, int]] = []
    track = np.flatnonzero(np.isfinite(regions.theta_deg) & (regions.ionisation > MIN_IONISATION))
    particles, channels = np.unique(regions.particle[track], return_counts=True)
    wide = track[np.isin(regions.particle[track], particles[channels >= MIN_CHANNELS])]
    if len(wide):
        flattest = wide[regions.theta_deg[wide] == regions.theta_deg[wide].min()]
        found.append(("isochronous track", flattest[np.argsort(regions.electrons[flattest])[len(flattest) // 2]]))
    steep = track[regions.theta_deg[track] >= PROLONGED_DEG]
    if len(steep):
        found.append(("prolonged track", steep[np.argmax((regions.end - regions.begin)[steep])]))
    if len(regions.row) and (shared := regions.second * regions.electrons).max() > 0:
        found.append(("overlapping tracks", int(np.argmax(shared))))
    return [(case, regions.row[i], (regions.begin[i] + regions.end[i]) // 2) for case, i in found]


def patch_rows(shown: Shown, corners: np.ndarray, size: tuple[int, int]) -> list[dict]:
    """Return where patches lie on the shown plane: offline channel, tick, height and width of each, and whether it holds
    signal.

    ``corners``: row and tick of the first pixel, int (patches, 2); ``size``: height and width.
    """
    truth, channels, (height, width) = shown.truth(), shown.channels(), size
    least, rows = LABEL_ADC * shown.plane.adc_scale, []
    for row, tick in corners.tolist():
        signal = bool((np.abs(truth[row : row + height, tick : tick + width]) >= least).any())
        rows.append({"channel": int(channels[row]), "tick": tick, "height": height, "width": width, "signal": int(signal)})
    return rows
