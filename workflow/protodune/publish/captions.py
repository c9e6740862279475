"""What each figure and table of the paper shows: captions with sample, cuts, seeds and versions."""

from __future__ import annotations

import re
from dataclasses import dataclass

BY_EVENT = "Bars: standard errors over events (none for a single event)."
LABEL = "Regions: pixels of ten ticks with more than 100 electrons a tick on average."
QUIET = "Quiet samples: farther than 20 ticks from any above five times the noise of the channel."
_TEXTS = {
    "display": (
        "Event display of the busiest 1600 ticks: raw, denoised, noise-free and their difference; bad channels stay zero."
    ),
    "zoom": "The longest signal of a channel, and the window with the most charge.",
    "waveforms": (
        "Waveforms of channels picked by their truth: a track along the wire planes, a prolonged one and two that overlap, "
        "as far as there are such; below what is left after subtracting the truth."
    ),
    "residuals": f"Denoised minus noise-free samples, for |truth| below and from 3.5 ADC on. {BY_EVENT}",
    "amplitude": (f"Mean and rms of the error of samples by their true size; negative: amplitude is lost. {BY_EVENT}"),
    "charge": (
        "Charge of true regions (area of the waveform, on induction of its size): median and half the central "
        "68 % of the relative error, by true charge; bins with fewer than ten regions an image are left out. "
        f"{BY_EVENT}"
    ),
    "ionisation": (
        "Charge of true regions that one track left, by its angle in the plane of drift and pitch and by the density of its "
        "ionisation: minimum ionising, about twice that, and ends of stopping tracks (true charge over the path below a "
        "wire; 1 MIP: 5040 electrons a mm). Fewer than ten regions an image are left out. "
        f"{BY_EVENT}"
    ),
    "angles_charge": (
        "Charge and amplitude of ideal tracks against their angle in the plane of drift and pitch; 0 is "
        f"parallel to the wire planes, 90 along the drift. {BY_EVENT}"
    ),
    "roi": (
        f"Region selectors: sensitivity against 1 - specificity, and purity against efficiency. {LABEL} Areas "
        "with errors by bootstrap over events."
    ),
    "labels": (
        "Region selectors at their own threshold, by the threshold of the label |truth|: sensitivity and what "
        f"is wrongly taken for signal. {BY_EVENT}"
    ),
    "angles": (
        "Efficiency and purity of regions of interest for ideal tracks against their angle in the plane of "
        f"drift and pitch; 0 is parallel to the wire planes, 90 along the drift. {LABEL} {BY_EVENT}"
    ),
    "noise": (f"Noise of every channel (half the central 68 % of its samples), its distribution, its spectrum. {QUIET}"),
    "boards": f"Mean correlation of two channels of front-end boards, a channel with itself left out. {QUIET}",
    "checks": (
        "Autocorrelation of quiet samples; rms of the mean of a board's channels over what independent "
        "channels would have; isolated collection pulses aligned at their peak; their areas by arrival. "
        f"{QUIET} No truth is used."
    ),
    "crossings": (
        "Points where a wire of each plane crosses the others and all three carry an isolated pulse at one time: "
        "deconvolved charge of induction over collection, before and after. It depends on the direction of the track and "
        "must not change; above, median and half the central 68 % of its change. No truth is used."
    ),
    "injection": (
        "Simulated signals without noise added to a recording: regions found, charge of the difference to "
        "what the method made of the recording alone. Regions that touch a recorded signal do not count. "
        f"{BY_EVENT}"
    ),
    "training": "Errors by epoch on training and validation patches, of waveforms and of regions.",
    "crops": "Training patches of one plane over its noise-free waveforms.",
    "scaling": (
        "Strong and weak scaling of a training step on the machine of this run, with a model beyond it and "
        "the points that DUNEdn recorded. Times differ from run to run."
    ),
    "speed": (
        "Seconds a plane (overlaps of pieces included) and memory of one piece by the pixels that go through a network at a "
        "time, and runtimes side by side at a quarter of a plane at a time, on the machine of this run. Times differ from "
        "run to run."
    ),
    "metrics": f"Mean squared error of all methods. {BY_EVENT}",
    "simulation": "Acceptance checks of the simulation: symbols as simulated, lines as expected.",
    "headline": (
        "All methods on one footing; PSNR and SSIM with a fixed peak (400 ADC collection, 200 induction). "
        f"{BY_EVENT} Seconds: to read, clean and write one APA's planes of the family on the machine of this run, beside "
        "whatever else ran there; start-up left out."
    ),
    "methods": f"All metrics of all methods, all channels and the drift-facing half of collection. {BY_EVENT}",
    "reproduction": (
        "DUNEdn's definitions (statSSIM, PSNR with the peak of each image, its cut of 3.5 ADC, its label), "
        f"for comparison with its papers only. {BY_EVENT}"
    ),
}


@dataclass(frozen=True)
class Item:
    """A figure or table of the paper: its kind, the file without suffix relative to results/, what it is about."""

    kind: str
    path: str
    about: str = ""
    is_table: bool = False


def caption(item: Item, samples: dict[str, str]) -> str:
    """Return the caption: what is shown, and of which samples (name: description)."""
    of = f" {item.about}." if item.about else ""
    named = [s for s in samples if s in re.findall(r"\w+", item.about)]
    return _TEXTS[item.kind] + of + "".join(f" {s}: {samples[s]}." for s in named)


def kinds() -> list[str]:
    """Return all kinds of figures and tables."""
    return list(_TEXTS)
