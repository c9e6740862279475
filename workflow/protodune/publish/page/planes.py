"""The planes that the page shows: as many events as fit, with what every method made of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import numpy as np

from protodune.detector.model import FAMILIES, Plane
from protodune.events.products import Products
from protodune.events.store import EventStore
from protodune.publish.colours import CHARGE_DIFFERENCE_RANGE, CHARGE_RANGE, colour_range
from protodune.publish.page.images import OFFSET, encode
from protodune.publish.page.layout import DIVERGING, SEQUENTIAL

_ELECTRONS_PER_COUNT = 4.0

log = logging.getLogger(__name__)


def gather_planes(samples: list[dict], megabytes: float) -> tuple[dict, dict[str, str]]:
    """Return what browser.js reads: images, and wires and boards of their planes; and pictures by key.

    ``samples``: dicts of ``sample``, ``events`` (a store) and ``products`` ({family: {method: file}}).  First image of every
    sample, then the second of every one, until the pictures weigh ``megabytes``; the first image is always taken.
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
        "offset": OFFSET,
        "images": images,
        "left_out": left_out,
        "wirings": _shared_wirings(images),
        "palettes": {"sequential": _colours(SEQUENTIAL), "diverging": _colours(DIVERGING)},
    }
    return content, pictures


def _shared_wirings(images: list[dict]) -> list[dict]:
    """Return the wirings of images, equal ones once; each image keeps the place of its own."""
    places: dict[str, int] = {}
    wirings = []
    for image in images:
        text = json.dumps(image["wiring"])
        if text not in places:
            places[text] = len(wirings)
            wirings.append(image["wiring"])
        image["wiring"] = places[text]
    return wirings


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
    """Return pictures and descriptions of all planes of one image."""
    pictures, described = {}, []
    with EventStore(sample["events"]) as store:
        for family in FAMILIES:
            methods = sample["products"].get(family, {})
            for plane in store.family(family, image):
                parts, description = _plane(store, plane, image, sample["sample"], methods)
                pictures |= parts
                described.append(description)
    return pictures, described


def _plane(store: EventStore, plane: Plane, image: int, sample: str, methods: dict[str, str]) -> tuple[dict[str, str], dict]:
    """Return the pictures of one plane and what browser.js must know of it."""
    name, bad = plane.name, store.bad(plane.name, image)
    key = f"{sample}/{image}/{name}"
    counts = store.adc(name, image) - np.rint(store.pedestal(name, image)).astype(np.int32)[:, None]
    counts[bad] = 0
    palette = "sequential" if plane.collects else "diverging"
    quantities = {
        "waveform": {
            "label": "denoised",
            "unit": "ADC",
            "per_count": store.detector.adc_per_count,
            "range": colour_range(plane),
            "residual_range": colour_range(plane, difference=True),
            "palette": palette,
        },
        "charge": {
            "label": "charge",
            "unit": "electrons per tick",
            "per_count": _ELECTRONS_PER_COUNT,
            "range": CHARGE_RANGE,
            "residual_range": CHARGE_DIFFERENCE_RANGE,
            "palette": "sequential",
        },
    }
    truth = {
        "waveform": store.clean(name, image) if store.has_clean else None,
        "charge": store.charge_image(name, image) if store.has_charge else None,
    }
    pictures = {f"raw/{key}": encode(counts)}
    busiest = None
    for (quantity, about), output in zip(quantities.items(), ("denoised", "charge"), strict=True):
        shown = {f"truth/{quantity}/{key}": truth[quantity]} if truth[quantity] is not None else {}
        about["truth"], about["made"] = next(iter(shown), None), {}
        for method, path in methods.items():
            with Products(path) as found:
                if found.has(output):
                    about["made"][method] = f"made/{quantity}/{method}/{key}"
                    shown[about["made"][method]] = found.image(output, name, image)
        for picture, values in shown.items():
            pictures[picture] = encode(np.rint(values / about["per_count"]).astype(np.int32))
            busiest = values if busiest is None else busiest
    size = np.abs(counts if busiest is None else busiest)
    run, subrun, event = store.event_id(image)
    unit = f"{store.detector.unit_name} {plane.unit}"
    return pictures, {
        "title": f"{sample}: {run}.{subrun}.{event}, {unit}, plane {name}",
        "unit": unit,
        "tick_us": plane.tick_us,
        "rows": plane.n_channels,
        "ticks": store.ticks,
        "wiring": {"wires": wire_names(plane), "boards": np.repeat(plane.boards, plane.group_size).tolist()},
        "first_channel": int(store.channel(name, image)[0]),
        "bad": np.flatnonzero(bad).tolist(),
        "busiest": [int(i) for i in np.unravel_index(int(np.argmax(size)), size.shape)],
        "raw": f"raw/{key}",
        "quantities": quantities,
    }


def wire_names(plane: Plane) -> list[str]:
    """Return the wires that each row of a plane reads, as text."""
    found: list[list[str]] = [[] for _ in range(plane.n_channels)]
    for face, wires in plane.wires.items():
        rows = wires.row(np.arange(wires.n_wires))
        for row in np.unique(rows).tolist():
            numbers = " and ".join(map(str, np.flatnonzero(rows == row)))
            found[row].append(f"wire {numbers} of face {face}")
    return [", ".join(names) for names in found]


def _colours(palette: list[str]) -> list[int]:
    """Colours as BokehJS keeps them: 0xRRGGBBAA."""
    return [int(colour.lstrip("#") + "ff", 16) for colour in palette]
