"""The planes that the page shows: as many events as fit, with what every method made of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np

from protodune.detector.geometry import PLANE_FAMILIES, PLANES, WIRE_PLANES, femb_of_group
from protodune.publish.page.images import DENOISED_ADC_PER_COUNT, OFFSET, encode
from protodune.publish.page.layout import DIVERGING, SEQUENTIAL
from protodune.events.predictions import Predictions
from protodune.events.store import EventStore

log = logging.getLogger(__name__)


def gather_planes(samples: list[dict], megabytes: float) -> tuple[dict, dict[str, str]]:
    """Return what browser.js reads: images, wires and boards of each view; and pictures by key.

    ``samples``: dicts of ``sample``, ``events`` (a store) and ``predictions`` ({family: {method: file}}).  First image of
    every sample, then the second of every one, until the pictures weigh ``megabytes``; the first image is always taken.
    """
    pictures: dict[str, str] = {}
    images: list[dict] = []
    left_out = 0
    for sample, image in _by_turns(samples):
        parts, described = _image(sample, image)
        if pictures and _weight(pictures) + _weight(parts) > megabytes * 1e6:
            left_out += 1
            continue
        pictures |= parts
        images += described
    if left_out:
        log.info("%d image(s) left out: the page would weigh more than %g MB", left_out, megabytes)
    content = {
        "unit": DENOISED_ADC_PER_COUNT,
        "offset": OFFSET,
        "images": images,
        "left_out": left_out,
        "views": {view: {"wires": wire_names(view), "femb": _boards(view)} for view in PLANES},
        "palettes": {"sequential": _colours(SEQUENTIAL), "diverging": _colours(DIVERGING)},
    }
    return content, pictures


def _weight(pictures: dict[str, str]) -> int:
    return sum(map(len, pictures.values()))


def _by_turns(samples: list[dict]) -> Iterator[tuple[dict, int]]:
    sizes = []
    for sample in samples:
        with EventStore(sample["events"]) as store:
            sizes.append(len(store))
    for image in range(max(sizes, default=0)):
        yield from ((sample, image) for sample, size in zip(samples, sizes, strict=True) if image < size)


def _image(sample: dict, image: int) -> tuple[dict[str, str], list[dict]]:
    """Return pictures and descriptions of the three planes of one image."""
    pictures, described = {}, []
    with EventStore(sample["events"]) as store:
        run, subrun, event = store.event_id(image)
        for family, views in PLANE_FAMILIES.items():
            methods = sample["predictions"].get(family, {})
            for view in views:
                bad = store.bad(view, image)
                key = f"{sample['sample']}/{image}/{view}"
                counts = store.adc(view, image) - np.rint(store.pedestal(view, image)).astype(np.int32)[:, None]
                counts[bad] = 0
                pictures[f"raw/{key}"] = encode(counts)
                signal = counts
                if store.has_clean:
                    signal = _counts(store.clean(view, image))
                    pictures[f"truth/{key}"] = encode(signal)
                made = {}
                for method, path in methods.items():
                    with Predictions(path) as found:
                        if found.has("denoised"):
                            signal = _counts(found.denoised(view, image)) if not store.has_clean else signal
                            made[method] = f"denoised/{method}/{key}"
                            pictures[made[method]] = encode(_counts(found.denoised(view, image)))
                busiest = np.unravel_index(int(np.argmax(np.abs(signal))), signal.shape)
                described.append(
                    {
                        "title": f"{sample['sample']}: {run}.{subrun}.{event}, APA {store.apa[image]}, plane {view}",
                        "view": view,
                        "first_channel": int(store.channel(view, image)[0]),
                        "bad": np.flatnonzero(bad).tolist(),
                        "busiest": [int(i) for i in busiest],
                        "raw": f"raw/{key}",
                        "truth": f"truth/{key}" if store.has_clean else None,
                        "denoised": made,
                    }
                )
    return pictures, described


def _counts(waveforms: np.ndarray) -> np.ndarray:
    return np.rint(waveforms / DENOISED_ADC_PER_COUNT).astype(np.int32)


def _boards(view: str) -> list[int]:
    return np.repeat(femb_of_group(view), PLANES[view].group_size).tolist()


def wire_names(view: str) -> list[str]:
    """Return the wires that each row of a plane reads, as text."""
    found: list[list[str]] = [[] for _ in range(PLANES[view].n_channels)]
    for face in (0, 1):
        plane = WIRE_PLANES[face, view]
        rows = plane.row(np.arange(plane.n_wires))
        for row in np.unique(rows).tolist():
            wires = " and ".join(map(str, np.flatnonzero(rows == row)))
            found[row].append(f"wire {wires} of face {face}")
    return [", ".join(names) for names in found]


def _colours(palette: list[str]) -> list[int]:
    """Colours as BokehJS keeps them: 0xRRGGBBAA."""
    return [int(colour.lstrip("#") + "ff", 16) for colour in palette]
