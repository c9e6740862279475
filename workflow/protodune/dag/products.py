"""Paths of products: each is made by one record, and nothing parses a path."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

FAMILIES = ("induction", "collection")
LEVELS = ("scores", "details")
"""Levels of measurements: those of every run, and those of the paper."""


@dataclass(frozen=True)
class Product:
    """What one method made of the planes of a family of one sample, in one step of the chain."""

    step: str
    method: str
    family: str
    sample: str

    @property
    def _parts(self) -> str:
        return f"{self.step}/{self.method}/{self.family}/{self.sample}"

    @property
    def path(self) -> str:
        """The product file."""
        return f"results/products/{self._parts}.h5"

    @property
    def noise(self) -> str:
        """Its checks without truth."""
        return f"results/noise/{self._parts}.tsv"

    @property
    def injection(self) -> str:
        """What it recovered of added signals."""
        return f"results/injection/{self._parts}.tsv"

    def measurements(self, level: str) -> str:
        """Its measurements against the truth."""
        return f"results/measurements/{level}/{self._parts}.tsv"

    def benchmark(self, kind: str) -> str:
        """What Snakemake wrote of its inference; ``kind`` classical or network."""
        return f"results/benchmarks/infer_{kind}/{self.step}.{self.method}.{self.family}.{self.sample}.tsv"


def events(sample: str) -> str:
    """Return the event store of a sample."""
    return f"results/events/{sample}.h5"


def fills_in(path: str) -> bool:
    """Whether Snakemake may take parts of a path for wildcards, ``{sample}``, or for its own folders, ``<results>``.

    It knows no way to write these as they are, so such files cannot be inputs of rules.
    """
    return not set("{}<>").isdisjoint(path)


def one_of(names: Iterable[str]) -> str:
    """Return a wildcard constraint that matches these names only; one that matches nothing if there are none."""
    return "|".join(re.escape(name) for name in sorted(set(names))) or "(?!)"
