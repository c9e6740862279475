"""What each figure and table of the paper shows: the captions of figures stand with them, those of tables here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from protodune.publish.figures.spec import figure_names, find_figure

TABLES = {
    "headline": "All methods on one footing; PSNR and SSIM with a fixed peak (400 ADC collection, 200 induction). Errors: "
    "standard errors over events (none for a single event). Seconds: to read, clean and write the planes of the family of "
    "one unit on the machine of this run, beside whatever else ran there; start-up left out.",
    "methods": "All metrics of all methods, on all channels and on the half of collection that faces the drift volume. "
    "Errors: standard errors over events (none for a single event).",
    "reproduction": "DUNEdn's definitions (statSSIM, PSNR with the peak of each image, its cut of 3.5 ADC, its label), "
    "for comparison with its papers only. Errors: standard errors over events (none for a single event).",
}


@dataclass(frozen=True)
class Item:
    """A figure or table of the paper: its kind (name of a figure, or of a table), the file without suffix relative to
    results/, what it is about."""

    kind: str
    path: str
    about: str = ""
    is_table: bool = False


def caption(item: Item, samples: dict[str, str]) -> str:
    """Return the caption: what is shown, and of which samples (name: description)."""
    text = TABLES[item.kind] if item.is_table else find_figure(item.kind).caption
    of = f" {item.about}." if item.about else ""
    named = [s for s in samples if s in re.findall(r"\w+", item.about)]
    return text + of + "".join(f" {s}: {samples[s]}." for s in named)


def kinds() -> list[str]:
    """Return all kinds of figures and tables."""
    return [*figure_names(), *TABLES]
