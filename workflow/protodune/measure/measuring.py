"""Run the measures of a task over a product file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tqdm import tqdm

from protodune.events.products import Products
from protodune.events.store import EventStore
from protodune.measure.rows import place_of
from protodune.measure.spec import Measure, Subject


def subjects(store: EventStore, products: Products, name: str) -> Iterator[Subject]:
    """Yield every plane that the products are of and that has a good channel, image by image; ``name`` for the progress."""
    products.check_matches(store)
    for image in tqdm(range(len(store)), desc=name, unit="image", disable=None):
        for plane in store.family(products.family, image):
            subject = Subject(store, products, plane, image)
            if subject.good.any():
                yield subject


def measure_products(
    store: EventStore, products: Products, measures: Sequence[Measure], about: dict[str, str]
) -> list[dict]:
    """Return one row per image, metric and bin (columns of ``measure.rows``); bad channels do not count.

    ``about``: task, step, method and sample.  A measure that needs what the method did not make gives no row.
    """
    rows = []
    for subject in subjects(store, products, about["method"]):
        place = place_of(store, subject.plane, subject.image, about)
        for measure in measures:
            if measure.applies(subject):
                rows += measured_rows(measure, measure.run(subject), place)
    return rows


def measured_rows(measure: Measure, measured: Iterable, place: dict) -> Iterator[dict]:
    """Yield what was measured at a place as rows; a metric that the measure does not define is refused."""
    units = {metric.name: metric.unit for metric in measure.metrics}
    for item in measured:
        unit = units[item.metric] if item.metric in units else measure.metric(item.metric).unit
        yield {**place, **item._asdict(), "unit": unit}
