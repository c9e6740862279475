"""How well a denoised image agrees with the noise-free one.  All images float (channels, ticks), ADC."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
from scipy.integrate import trapezoid
from skimage.metrics import structural_similarity

from protodune.events.regions import runs

SSIM_WINDOW = 11
PEAK_ADC = {"induction": 200.0, "collection": 400.0}
"""Fixed peak for PSNR and SSIM; a peak taken from each image would be decided by its brightest hit."""


def mse(denoised: np.ndarray, clean: np.ndarray) -> float:
    """Mean squared error, ADC^2."""
    return float(np.mean((denoised.astype(np.float64) - clean) ** 2))


def psnr(denoised: np.ndarray, clean: np.ndarray, peak_adc: float) -> float:
    """Peak signal-to-noise ratio, 10 log10(peak^2 / MSE), dB; infinite for identical images."""
    error = mse(denoised, clean)
    return 10 * math.log10(peak_adc**2 / error) if error > 0 else math.inf


def ssim(denoised: np.ndarray, clean: np.ndarray, peak_adc: float) -> float:
    """Structural similarity (Wang et al. 2004): Gaussian window of sigma 1.5, constants (0.01 L)^2 and (0.03 L)^2 with
    the fixed peak as range L; 1 for identical images, NaN for images smaller than the window of 11 pixels."""
    if min(clean.shape) < SSIM_WINDOW:
        return math.nan
    return float(
        structural_similarity(
            denoised.astype(np.float32),
            clean.astype(np.float32),
            data_range=peak_adc,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def imae(denoised: np.ndarray, clean: np.ndarray) -> float:
    """Mean over channels of |sum over ticks of (denoised - clean)|, ADC tick; for unipolar collection pulses only, since a
    bipolar pulse sums to zero whatever its size."""
    difference = denoised.astype(np.float64) - clean
    return float(np.mean(np.abs(difference.sum(axis=1))))


def image_metrics(denoised: np.ndarray, clean: np.ndarray, family: str) -> dict[str, float]:
    """Return all metrics that make sense for a plane family, by name."""
    peak = PEAK_ADC[family]
    values = {
        "mse": mse(denoised, clean),
        "psnr": psnr(denoised, clean, peak),
        "ssim": ssim(denoised, clean, peak),
        "signal_bias": signal_bias(denoised, clean),
    }
    if family == "collection":
        values["imae"] = imae(denoised, clean)
    return values


def roi_metrics(found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Return efficiency and purity of pixels and of regions, both bool (channels, n).

    Pixels: |found & truth| / |truth| and / |found|.  Regions are runs of a channel: the share of true ones with at least one
    found pixel, and of found ones with at least one true pixel.  NaN where there is nothing to divide by.
    """
    both = int((found & truth).sum())
    return {
        "pixel_efficiency": _share(both, int(truth.sum())),
        "pixel_purity": _share(both, int(found.sum())),
        "roi_efficiency": _share(*_hit_runs(truth, found)),
        "roi_purity": _share(*_hit_runs(found, truth)),
    }


def roi_auc(score: np.ndarray, truth: np.ndarray) -> float:
    """Area under the ROC curve: the chance that a signal pixel has a higher score than another, ties counting half.

    ``score`` float and ``truth`` bool of one shape; NaN without signal or without background.
    """
    signal, other = np.sort(score[truth]), np.sort(score[~truth])
    if len(signal) == 0 or len(other) == 0:
        return math.nan
    below = np.searchsorted(other, signal, side="left").sum(dtype=np.float64)
    up_to = np.searchsorted(other, signal, side="right").sum(dtype=np.float64)
    return float((below + up_to) / 2 / len(signal) / len(other))


THRESHOLDS = np.unique(np.rint(1 / (1 + np.exp(-np.linspace(-7, 7, 57))) * 1e4) / 1e4)
"""Scores at which curves have their points, dense near 0 and 1 (steps of 1/4 of the logit)."""


def roi_counts(score: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many signal pixels and how many others have a score of at least each threshold, int64 (thresholds + 2,).

    The first threshold is -infinity, all pixels, and the last +infinity, none.  ``score`` float and ``truth`` bool of one
    shape.
    """
    edges = np.concatenate([[-np.inf], THRESHOLDS, [np.inf]])
    # Counts of scores from each edge on: what is not below it.
    counts = [np.searchsorted(np.sort(part), edges, side="left") for part in (score[truth], score[~truth])]
    return int(truth.sum()) - counts[0], int((~truth).sum()) - counts[1]


def roc_auc(found: np.ndarray, false: np.ndarray) -> float:
    """Area under the curve of ``roi_counts`` by the trapezoidal rule, sensitivity against 1 - specificity; NaN without
    signal or without background."""
    if found[0] == 0 or false[0] == 0:
        return math.nan
    sensitivity, others = found / found[0], false / false[0]
    return float(-trapezoid(sensitivity, others))


def bootstrap_error(counts: np.ndarray, statistic: Callable[[np.ndarray], float], draws: int = 500, seed: int = 1) -> float:
    """Standard deviation of ``statistic`` of the sum of ``counts`` (events, ...) over resamplings of the events with
    replacement; NaN for a single event."""
    n = len(counts)
    if n < 2:
        return math.nan
    rng = np.random.default_rng(seed)
    return float(np.nanstd([statistic(counts[rng.integers(n, size=n)].sum(axis=0)) for _ in range(draws)]))


CHARGE_PAD_TICKS = 10
MIN_CHARGE = {"collection": 300.0, "induction": 100.0}
"""Regions with less are not asked for their charge, ADC tick: a third of what a minimum ionising particle leaves."""


def charge_pairs(
    denoised: np.ndarray, clean: np.ndarray, truth: np.ndarray, ticks_per_pixel: int, family: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return found and true charge Q of every true region, float64 (regions,), ADC tick.

    ``truth`` bool (channels, pixels of ``ticks_per_pixel``); Q is the area of the waveform from 10 ticks before to 10 ticks
    after a run of it, on induction, where areas cancel, that of its size.  Regions with little charge are left out.
    """
    row, begin, end = runs(truth)
    found, true = region_charges(denoised, clean, row, begin * ticks_per_pixel, end * ticks_per_pixel, family)
    enough = true > MIN_CHARGE[family]
    return found[enough], true[enough]


def region_charges(
    denoised: np.ndarray, clean: np.ndarray, row: np.ndarray, begin: np.ndarray, end: np.ndarray, family: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return found and true charge, as ``charge_pairs`` defines it, of every region: its ``row`` and its first and one past
    its last tick, int (regions,)."""
    first, last = np.maximum(begin - CHARGE_PAD_TICKS, 0), np.minimum(end + CHARGE_PAD_TICKS, clean.shape[1])
    areas = []
    for image in (denoised, clean):
        total = np.cumsum(np.abs(image) if family == "induction" else image, axis=1, dtype=np.float64)
        total = np.pad(total, ((0, 0), (1, 0)))
        areas.append(total[row, last] - total[row, first])
    return areas[0], areas[1]


def charge_errors(
    denoised: np.ndarray, clean: np.ndarray, truth: np.ndarray, ticks_per_pixel: int, family: str
) -> np.ndarray:
    """Return (Q - Q_true) / Q_true of every true region with charge enough, float64 (regions,), of ``charge_pairs``."""
    found, true = charge_pairs(denoised, clean, truth, ticks_per_pixel, family)
    return found / true - 1


def charge_metrics(errors: np.ndarray) -> dict[str, float]:
    """Median and half the central 68 % of relative charge errors; NaN without any."""
    if len(errors) == 0:
        return {"charge_bias": math.nan, "charge_resolution": math.nan}
    low, middle, high = np.quantile(errors, [0.16, 0.5, 0.84])
    return {"charge_bias": float(middle), "charge_resolution": float(high - low) / 2}


def signal_bias(denoised: np.ndarray, clean: np.ndarray, minimum_adc: float = 3.5) -> float:
    """Slope of denoised against clean over the pixels with |clean| of at least 3.5 ADC, minus 1: -0.1 if a tenth of the
    amplitude is lost; NaN without such pixels."""
    signal = np.abs(clean) >= minimum_adc
    true = clean[signal].astype(np.float64)
    return float((denoised[signal] * true).sum() / (true**2).sum() - 1) if len(true) else math.nan


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _hit_runs(mask: np.ndarray, other: np.ndarray) -> tuple[int, int]:
    """Return how many runs of ``mask`` hold a pixel of ``other``, and how many there are."""
    row, begin, end = runs(mask)
    total = np.concatenate([[0], np.cumsum(other.ravel())])
    start = row * mask.shape[1]
    return int((total[start + end] > total[start + begin]).sum()), len(row)


def mean_over_events(values: list[float], events: list) -> tuple[float, float, int]:
    """Return mean, standard error and number of events: images of one event are averaged first, since their errors are
    correlated; error = std / sqrt(n), NaN for a single event.  NaN does not count: an image without signal has no
    efficiency."""
    grouped: dict = {}
    for event, value in zip(events, values, strict=True):
        if not math.isnan(value):
            grouped.setdefault(event, []).append(value)
    means = np.array([np.mean(v) for v in grouped.values()])
    n = len(means)
    if n == 0:
        return math.nan, math.nan, 0
    error = float(np.std(means, ddof=1) / math.sqrt(n)) if n > 1 else math.nan
    return float(np.mean(means)), error, n


def average_rows(rows: Iterable[dict[str, str]], keys: list[str], values: list[str]) -> list[dict]:
    """Average rows of single images (with sample, run, subrun, event) that agree in ``keys``, in the order of their first
    appearance: the keys, each of ``values`` and its ``_error`` by ``mean_over_events``, and the number of ``events``."""
    groups: dict[tuple, list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[k] for k in keys), []).append(row)
    averaged = []
    for key, group in groups.items():
        events, line = [(r["sample"], r["run"], r["subrun"], r["event"]) for r in group], dict(zip(keys, key, strict=True))
        most = 0
        for value in values:
            line[value], line[f"{value}_error"], n = mean_over_events([float(r[value]) for r in group], events)
            most = max(most, n)
        averaged.append({**line, "events": most})
    return averaged
