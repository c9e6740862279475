"""One file of raw digits through the whole chain, event by event: while one is cleaned the next is read and the last one
written."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from protodune.campaign.quality import Quality
from protodune.classical.pedestal import estimate_pedestal
from protodune.core.file_lists import name_of
from protodune.core.threads import read_ahead
from protodune.detector.registry import DEFAULT
from protodune.learning.method import TrainedMethod, infer_sample
from protodune.rawio.conversion import Conversion, ConvertSettings
from protodune.rawio.export import export_samples
from protodune.rawio.remote import AS_IS, Access

STEP = "denoise"

log = logging.getLogger(__name__)

EventId = tuple[int, int, int]
"""(run, subrun, event)."""
Cleaned = tuple[str, dict[str, str]]
"""An event store, and product files by family."""
Look = Callable[[str, Mapping[str, str]], None]
"""What looks at an event before what lies between raw and cleaned is gone: from its event store, and its product files by
family."""


@dataclass(frozen=True)
class CleanSettings:
    """``detector`` by name and ``tag`` of the digits; ``noisy_above`` and ``stretch_slow_board`` as ``ConvertSettings`` has
    them; ``bad_channels``: path of a list of channels; ``denoised_runs_adc``: see ``export_products``; ``code``: digest of
    the code, whose change makes files anew; ``scratch``: folder for what is needed in between, None: that of the output;
    ``keep``: folder in which event stores and products stay, None: they go; ``access``: how the bytes of the files come
    here; ``adler32``: checksums by file, of those that have one."""

    detector: str = DEFAULT
    tag: str | None = None
    stretch_slow_board: str = "auto"
    noisy_above: float | None = 3.0
    bad_channels: str | None = None
    denoised_runs_adc: float | None = None
    code: str = ""
    scratch: str | None = None
    keep: str | None = None
    access: Access = AS_IS
    adler32: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Chain:
    """A file on its way: its ``source``, the ``scratch`` folder for what is needed in between, the ``methods`` by family,
    together called ``name``; ``check`` may refuse an event; ``look`` at the first event, if not None; ``events`` and
    ``images`` that were read, and the ``quality`` of the data."""

    source: str
    scratch: Path
    methods: Mapping[str, TrainedMethod]
    name: str
    check: Callable[[EventId], None]
    look: Look | None = None
    events: list[EventId] = field(default_factory=list)
    images: int = 0
    quality: Quality = field(default_factory=Quality)

    def run(self, settings: CleanSettings, output: Path, threads: int) -> dict:
        """Clean the file and write ``output``, whole or not at all; return its events, those that were lost, how many
        images, the entries by tree, and what the data are like."""
        converted = ConvertSettings(
            sample=name_of(self.source), kind="data", tag=settings.tag, on_damaged_event="skip",
            stretch_slow_board=settings.stretch_slow_board, noisy_above=settings.noisy_above, detector=settings.detector,
        )  # fmt: skip
        access = settings.access.of(settings.adler32.get(self.source))
        begin = (converted, self.source, None, estimate_pedestal, settings.bad_channels, threads, access)
        conversion = Conversion.begin(*begin, truth=False)
        # Closed from the last to the first, so that no thread is left with a file open.
        with contextlib.ExitStack() as stack:
            stored = stack.enter_context(contextlib.closing(read_ahead(self._stored(conversion))))
            cleaned = stack.enter_context(contextlib.closing(read_ahead(self._cleaned(stored))))
            samples = stack.enter_context(contextlib.closing(self._used(cleaned, settings.keep is not None)))
            entries = export_samples(samples, str(output), settings.denoised_runs_adc, self.source)
        conversion.log(len(self.events), self.images)
        return {
            "events": [list(e) for e in self.events], "lost": conversion.lost, "images": self.images, "entries": entries,
            "quality": self.quality.rows(str(output)),
        }  # fmt: skip

    def _stored(self, conversion: Conversion) -> Iterator[str]:
        """Yield event stores of one event each."""
        for event in conversion.events:
            self.check(event.event_id)
            self.events.append(event.event_id)
            if event.adc.size == 0:
                continue
            path = str(self.scratch / f"{len(self.events)}.events.h5")
            with conversion.writer(path) as writer:
                conversion.append(writer, event)
                del event  # before the next one is read
                self.images += writer.n_images
            yield path

    def _cleaned(self, stored: Iterator[str]) -> Iterator[Cleaned]:
        """Yield the stores with the products that the methods make of them."""
        for events in stored:
            products = {family: events.removesuffix("events.h5") + f"{family}.h5" for family in self.methods}
            for family, method in self.methods.items():
                infer_sample(method, STEP, self.name, events, products[family], code=None)
            yield events, products

    def _used(self, cleaned: Iterator[Cleaned], keep: bool) -> Iterator[tuple[str, list[str]]]:
        """Yield stores with their products, and look at them and remove the files after their use."""
        for events, products in cleaned:
            yield events, list(products.values())
            self.quality.add(events)
            if self.look is not None:
                self.look(events, products)
                self.look = None
            if not keep:
                for path in (events, *products.values()):
                    Path(path).unlink()
