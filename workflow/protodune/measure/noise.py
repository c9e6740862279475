"""Checks that need no truth: what a method does to the noise and to the pulses of real data.

Every check looks at three images of a plane: ``raw`` waveforms, ``denoised`` ones, and ``removed``, their difference, which
should look like noise.  All float32 (channels, ticks), ADC; ``quiet`` bool of the same shape: values without signal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import scipy.fft
from scipy.ndimage import maximum_filter1d

from protodune.detector.model import Plane
from protodune.events.products import Products
from protodune.events.regions import widened
from protodune.events.store import EventStore
from protodune.measure.measuring import subjects
from protodune.measure.rows import PLACE_COLUMNS, place_of

IMAGES = ("raw", "denoised", "removed")
QUIET_SIGMA = 5.0
QUIET_PAD_TICKS = 20
SPECTRUM_BINS = 60
MAX_LAG = 10
PULSE_SIGMA = 10.0
PULSE_REACH_TICKS = 40
PULSE_AREA_TICKS = 15
PULSE_APART_TICKS = 60
TICK_BINS = 10
MIN_PULSES = 5
"""Fewer pulses have no median and no slope."""
LEAST_RMS_ADC = 1e-3
"""Quieter channels count as having this noise, so that an empty channel has a limit above zero."""


class Row(NamedTuple):
    """One number for each of the three images, at ``x`` and ``y`` of what the ``quantity`` runs over."""

    quantity: str
    x: float
    y: float
    raw: float
    denoised: float
    removed: float


COLUMNS = (*PLACE_COLUMNS, *Row._fields)


def check_products(store: EventStore, products: Products, about: dict[str, str]) -> list[dict]:
    """Return one row per image, quantity and place (``COLUMNS``); none for a method without waveforms.

    ``about``: task, step, method and sample.
    """
    rows = []
    for subject in subjects(store, products, about["method"]) if products.has("denoised") else ():
        place, name, image = place_of(store, subject.plane, subject.image, about), subject.plane.name, subject.image
        checks = check_plane(store.waveforms(name, image), subject.output("denoised"), subject.plane, subject.good)
        rows += [{**place, **check._asdict()} for check in checks]
    return rows


def central_rms(image: np.ndarray) -> np.ndarray:
    """Return half the width of the central 68.3 % of each channel's values, (channels,): a Gaussian's rms, blind to
    signal."""
    low, high = np.quantile(image, [0.1587, 0.8413], axis=1)
    return (high - low) / 2


def quiet_values(raw: np.ndarray, denoised: np.ndarray) -> np.ndarray:
    """Return which values hold no signal, bool (channels, ticks): farther than 20 ticks from any that in ``raw`` or in
    ``denoised`` is more than five times the raw noise of its channel."""
    limit = QUIET_SIGMA * np.maximum(central_rms(raw), LEAST_RMS_ADC)[:, None]
    loud = (np.abs(raw) > limit) | (np.abs(denoised) > limit)
    return ~widened(loud, QUIET_PAD_TICKS, QUIET_PAD_TICKS)


def check_plane(raw: np.ndarray, denoised: np.ndarray, plane: Plane, good: np.ndarray) -> list[Row]:
    """Return all checks of one plane; ``good`` bool (channels,): the others do not count.  Nothing if no channel is good."""
    if not good.any():
        return []
    images = {"raw": raw, "denoised": denoised, "removed": raw - denoised}
    quiet = quiet_values(raw, denoised) & good[:, None]
    rows = [*_rms(images, plane.channels, good), *_spectra(images, quiet, good, plane.tick_us)]
    rows += [*_autocorrelation(images, quiet), *_boards(images, quiet, plane, good)]
    if plane.collects:
        rows += pulses(images, good, plane.tick_us)
    return rows


def _rms(images: dict[str, np.ndarray], channel: np.ndarray, good: np.ndarray) -> Iterator[Row]:
    values = [central_rms(images[name][good]) for name in IMAGES]
    for number, *each in zip(channel[good].tolist(), *(v.tolist() for v in values), strict=True):
        yield Row("noise_rms", number, math.nan, *each)


def _spectra(images: dict[str, np.ndarray], quiet: np.ndarray, good: np.ndarray, tick_us: float) -> Iterator[Row]:
    """Amplitude per channel, ADC: rms of the discrete Fourier transform over the root of the number of quiet values."""
    n, frequency = max(int(quiet.sum()), 1), scipy.fft.rfftfreq(quiet.shape[1], tick_us) * 1000
    power = []
    for name in IMAGES:
        spectrum = scipy.fft.rfft(np.where(quiet, images[name], 0)[good], axis=1)
        power.append((spectrum.real**2 + spectrum.imag**2).sum(axis=0) / n)
    for part in np.array_split(np.arange(1, len(frequency)), min(SPECTRUM_BINS, len(frequency) - 1)):
        yield Row("spectrum", float(frequency[part].mean()), math.nan, *(float(np.sqrt(p[part].mean())) for p in power))


def _autocorrelation(images: dict[str, np.ndarray], quiet: np.ndarray) -> Iterator[Row]:
    """Correlation of quiet values ``x`` ticks apart, all channels together; NaN where an image is empty."""
    for lag in range(1, min(MAX_LAG, quiet.shape[1] - 1) + 1):
        both = quiet[:, lag:] & quiet[:, :-lag]
        values = []
        for name in IMAGES:
            first, second = images[name][:, lag:][both], images[name][:, :-lag][both]
            scale = float(np.sqrt((first.astype(np.float64) ** 2).sum() * (second.astype(np.float64) ** 2).sum()))
            values.append(float((first * second).sum(dtype=np.float64)) / scale if scale > 0 else math.nan)
        yield Row("autocorrelation", lag, math.nan, *values)


def _boards(images: dict[str, np.ndarray], quiet: np.ndarray, plane: Plane, good: np.ndarray) -> Iterator[Row]:
    """Mean correlation of the channels of two front-end boards (``x``, ``y``: their groups in the plane), a channel with
    itself left out; and the coherent residual of a board: rms of the mean of its n channels over rms / sqrt(n), 1 without
    coherent noise."""
    group = np.arange(plane.n_channels) // plane.group_size
    size = np.bincount(group[good], minlength=plane.n_groups)
    matrices, residuals = [], []
    for name in IMAGES:
        image = np.where(quiet, images[name], 0).astype(np.float64)
        # Each channel scaled to a mean square of one over all ticks, hence the counts of ticks cancel.
        norm = np.sqrt((image**2).mean(axis=1))
        alive = norm > LEAST_RMS_ADC
        scaled = np.divide(image, norm[:, None], out=np.zeros_like(image), where=alive[:, None])
        sums = scaled.reshape(plane.n_groups, plane.group_size, -1).sum(axis=1)
        n = np.bincount(group[alive], minlength=plane.n_groups).astype(np.float64)
        products = sums @ sums.T / image.shape[1]
        pairs = np.outer(n, n)
        np.fill_diagonal(products, products.diagonal() - n)
        np.fill_diagonal(pairs, n * (n - 1))
        matrices.append(np.divide(products, pairs, out=np.full_like(products, np.nan), where=pairs > 0))
        mean = np.divide(sums, n[:, None], out=np.zeros_like(sums), where=n[:, None] > 0)
        residuals.append(np.where(n > 1, np.sqrt((mean**2).mean(axis=1) * n), np.nan))
    for i in np.flatnonzero(size):
        for j in np.flatnonzero(size):
            yield Row("board_correlation", int(i), int(j), *(float(m[i, j]) for m in matrices))
        yield Row("coherent_residual", int(i), math.nan, *(float(r[i]) for r in residuals))


def find_pulses(raw: np.ndarray, good: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return channel rows and ticks of isolated pulses: the largest value within 60 ticks, more than ten times the
    channel's noise, with its whole neighbourhood in the readout."""
    limit = PULSE_SIGMA * np.maximum(central_rms(raw), LEAST_RMS_ADC)[:, None]
    peak = (raw > limit) & (raw == maximum_filter1d(raw, 2 * PULSE_APART_TICKS + 1, axis=1)) & good[:, None]
    # No signal but its own: what is loud beyond the pulse's reach belongs to another.
    loud = np.cumsum(np.pad(raw > limit / 2, ((0, 0), (1, 0))), axis=1)
    row, tick = np.nonzero(peak)
    inside = (tick >= PULSE_APART_TICKS) & (tick < raw.shape[1] - PULSE_APART_TICKS)
    row, tick = row[inside], tick[inside]
    total = loud[row, tick + PULSE_APART_TICKS + 1] - loud[row, tick - PULSE_APART_TICKS]
    own = loud[row, tick + PULSE_AREA_TICKS + 1] - loud[row, tick - PULSE_AREA_TICKS]
    return row[total == own], tick[total == own]


def pulses(images: dict[str, np.ndarray], good: np.ndarray, tick_us: float) -> list[Row]:
    """Return of the isolated pulses of a collection plane: how many; the mean pulse by tick from its peak, ADC; the median
    area by the tick of arrival, ADC tick; and the slope of the logarithm of the areas with time, 1/ms (minus one over the
    electron lifetime).  Pulses are found in the raw image, so that all images are asked about the same ones."""
    row, tick = find_pulses(images["raw"], good)
    rows = [Row("pulses", math.nan, math.nan, *[float(len(row))] * 3)]
    if len(row) < MIN_PULSES:
        return rows
    offsets = np.arange(-PULSE_REACH_TICKS, PULSE_REACH_TICKS + 1)
    shapes = {name: images[name][row[:, None], tick[:, None] + offsets] for name in IMAGES}
    for place, offset in enumerate(offsets.tolist()):
        rows.append(Row("pulse_shape", offset, math.nan, *(float(shapes[name][:, place].mean()) for name in IMAGES)))
    near = np.abs(offsets) <= PULSE_AREA_TICKS
    areas = {name: shapes[name][:, near].sum(axis=1) for name in IMAGES}
    edges = np.linspace(0, images["raw"].shape[1], TICK_BINS + 1)
    place = np.digitize(tick, edges) - 1
    for number in np.unique(place):
        centre, here = float(edges[number : number + 2].mean()), place == number
        if here.sum() >= MIN_PULSES:
            rows.append(Row("pulse_area", centre, math.nan, *(float(np.median(areas[name][here])) for name in IMAGES)))
    time_ms = tick * tick_us / 1000
    slopes = [_log_slope(time_ms, areas[name]) for name in ("raw", "denoised")]
    rows.append(Row("attenuation_slope", math.nan, math.nan, *slopes, math.nan))
    return rows


def _log_slope(time_ms: np.ndarray, area: np.ndarray) -> float:
    """Slope of ln(area) against time by least absolute deviations in three re-weighted fits; NaN with too few pulses."""
    positive = area > 0
    if positive.sum() < MIN_PULSES or np.ptp(time_ms[positive]) == 0:
        return math.nan
    x, y = time_ms[positive], np.log(area[positive])
    weight = np.ones_like(y)
    for _ in range(3):
        slope, start = np.polyfit(x, y, 1, w=np.sqrt(weight))
        weight = 1 / np.maximum(np.abs(y - slope * x - start), 1e-3)
    return float(slope)
