"""Which figures a run has: each by the kind of table that it draws, and by what it is about (its subject)."""

from __future__ import annotations

import json
from functools import cached_property

from protodune.core.registry import names
from protodune.dag.config_check import FIGURES
from protodune.dag.files import Files
from protodune.dag.products import FAMILIES
from protodune.dag.selection import Selection
from protodune.dag.spec_reader import read_spec

FROM_IMAGES = ("events", "patches")
"""Kinds of figures that show images of one sample; they are drawn from its stores and not from tables."""

Pair = tuple[str, str]
"""A figure and its subject."""


def figure_spec(figure: str) -> dict:
    """Return what the module of a figure says of it."""
    return read_spec(FIGURES, figure, "FIGURE")


class Figures:
    """Figures of a plan, as pairs of a figure and its subject."""

    def __init__(self, selection: Selection, files: Files):
        self._of, self._files = selection, files

    @cached_property
    def _specs(self) -> dict[str, dict]:
        return {name: figure_spec(name) for name in [*names(FIGURES), *self._of.config["figures"]["more"]]}

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Kind of table by figure, in the order of the figures; those that are drawn from tables."""
        ordered = sorted(self._specs, key=lambda name: (self.order(name), name))
        return {name: self._specs[name]["table"] for name in ordered if name not in self.from_images}

    @cached_property
    def from_images(self) -> list[str]:
        """The figures that are drawn from stores."""
        return [name for name, spec in self._specs.items() if spec["table"] in FROM_IMAGES]

    def order(self, figure: str) -> int:
        """Place of a figure in the paper."""
        return self._specs[figure]["order"]

    # Subjects and tables of figures that are drawn from tables.

    def subjects(self, kind: str) -> list[str]:
        """What figures of a kind of table are about: ``all``, families, samples, or family.sample."""
        of = self._of
        found = {
            "details": lambda: [f for f in FAMILIES if self._files.details(f)],
            "noise": lambda: [f"{f}.{s}" for f in FAMILIES if of.shown_methods(f) for s in of.checked()],
            "injection": lambda: [f"{f}.{s}" for f in FAMILIES for s in of.injected() if of.shown_methods(f)],
            "angles": lambda: ["all"] if of.angles() else [],
            "crossings": lambda: [s for s in of.checked() if self._files.crossings(s)],
            "methods": lambda: ["all"] if self._files.table_scores() else [],
            "curves": lambda: [f for f in FAMILIES if self._files.measured("scores", of.compared(), f)],
            "training": lambda: [f for f in FAMILIES if self._files.trained_of(f)],
            "scaling": lambda: ["all"],
            "speed": lambda: ["all"],
            "search": lambda: ["all"],
            "simulation": lambda: ["all"],
            "campaign": lambda: ["all"],
        }
        return found[kind]()

    def tables(self, w) -> list[str]:
        """The tables that a figure draws."""
        kind = self.kinds[w.figure]
        if kind == "crossings":
            return self._files.crossings(w.subject)
        if kind == "training":
            return self._files.histories(w.subject)
        found = {
            "details": [f"results/tables/details.{w.subject}.tsv"],
            "noise": [f"results/tables/noise.{w.subject}.tsv"],
            "injection": [f"results/tables/injection.{w.subject}.tsv"],
            "angles": ["results/tables/angles.tsv"],
            "methods": ["results/tables/methods.tsv"],
            "curves": [f"results/tables/{name}.{w.subject}.tsv" for name in ("curves", "areas")],
            "scaling": self._files.scaling_tables(),
            "speed": self._files.speed_tables(),
            "search": ["results/tables/search.tsv"],
            "simulation": ["results/simulation_report/points.tsv"],
            "campaign": ["results/campaign/quality.tsv"],
        }
        return found[kind]

    def about(self, w) -> str:
        """What a figure is about, for its title."""
        if self.kinds[w.figure] == "crossings":
            return f"sample {w.subject}"
        family, _, sample = w.subject.partition(".")
        if family == "all":
            return ""
        return f"{family} planes" + (f", sample {sample}" if sample else "")

    def titles(self, w) -> list[str]:
        """Names of what each table of a figure is of, where its rows do not say it: the networks of trainings."""
        return [t.method for t in self._files.trained_of(w.subject)] if self.kinds[w.figure] == "training" else []

    def all_subjects(self) -> list[str]:
        """All subjects of all figures that are drawn from tables."""
        return sorted({s for kind in set(self.kinds.values()) for s in self.subjects(kind)})

    # Names.

    def of_kinds(self, *kinds: str) -> list[Pair]:
        """All figures of some kinds of tables."""
        return [(figure, s) for figure, kind in self.kinds.items() if kind in kinds for s in self.subjects(kind)]

    def of_events(self) -> list[Pair]:
        """The displays of events that the samples and trials allow."""
        of, shown = self._of, self._of.config["figures"]["network"]
        return [
            (figure, f"{family}.{sample}")
            for family in FAMILIES
            if shown in of.networks_of(of.shown_step, family)
            for sample in of.samples_of("test")
            if of.angle_of(sample) is None
            for figure in ("display", "zoom", *(["waveforms"] if of.samples[sample].has_truth else []))
        ]

    def of_every_run(self) -> list[Pair]:
        """The figures of every run."""
        return self.of_events() + self.of_kinds("training", "methods", "curves")

    def of_evidence(self) -> list[Pair]:
        """The figures beyond those of every run."""
        return self.of_kinds("details", "noise", "injection", "angles", "crossings")


def png(figures: list[Pair]) -> list[str]:
    """Return the PNG files of figures."""
    return [f"results/figures/{figure}.{subject}.png" for figure, subject in figures]


def as_json(content: object) -> str:
    """Return what a stage takes as JSON."""
    return json.dumps(content, sort_keys=True)
