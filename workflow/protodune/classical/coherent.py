"""Low-pass filter and removal of the noise that the channels of a front-end board share.

The chain of LArSoft's ProtoDUNE data preparation (docs/physics.md, section Classical chain).
"""

from __future__ import annotations

import numpy as np
import scipy.fft

from protodune.classical.medians import sorted_median
from protodune.detector.model import Plane
from protodune.events.regions import widened

LOW_PASS_MHZ = 0.4
LOW_PASS_ORDER = 4
SIGNAL_ADC = 20.0
"""ADC of the reference gain (``Plane.adc_scale``)."""
PAD_BEFORE, PAD_AFTER = 8, 20
MIN_CHANNELS = 2
MAX_MASKED_SHARE, BRIDGE_TICKS = 0.5, 30


def low_pass(waveforms: np.ndarray, plane: Plane, workers: int = 1) -> np.ndarray:
    """Return the waveforms after |H| = 1 / sqrt(1 + (f / 400 kHz)^8), zero phase; float32 (channels, ticks), ADC.

    The record is mirrored at its ends, so no signal leaks round.
    """
    ticks = waveforms.shape[1]
    pad = min(64, max(ticks - 1, 0))
    length = scipy.fft.next_fast_len(ticks + 2 * pad, real=True)
    padded = np.pad(waveforms.astype(np.float32, copy=False), ((0, 0), (pad, length - ticks - pad)), mode="reflect")
    gain = 1 / np.sqrt(1 + (scipy.fft.rfftfreq(length, plane.tick_us) / LOW_PASS_MHZ) ** (2 * LOW_PASS_ORDER))
    spectrum = scipy.fft.rfft(padded, axis=1, workers=workers)
    spectrum *= gain.astype(np.float32)
    return np.ascontiguousarray(scipy.fft.irfft(spectrum, length, axis=1, workers=workers)[:, pad : pad + ticks])


def signal_mask(waveforms: np.ndarray, threshold_adc: float) -> np.ndarray:
    """Return where a waveform exceeds the threshold in size, extended by 8 ticks before and 20 after; bool, same shape."""
    return widened(np.abs(waveforms) > threshold_adc, PAD_BEFORE, PAD_AFTER)


def group_median(waveforms: np.ndarray, group_size: int, exclude: np.ndarray | None = None) -> np.ndarray:
    """Return the median of each group of channels by tick, float32 (groups, ticks).

    ``waveforms`` float32 (groups * group_size, ticks); ``exclude`` bool, (channels,) or (channels, ticks), leaves values
    out.  Where fewer than two values are left the median is 0.
    """
    n, ticks = waveforms.shape
    grouped = waveforms.reshape(n // group_size, group_size, ticks)
    values = np.ascontiguousarray(np.moveaxis(grouped, 1, 2))
    if exclude is None:
        return sorted_median(values).astype(np.float32)
    exclude = np.broadcast_to(exclude if exclude.ndim == 2 else exclude[:, None], waveforms.shape)
    left_out = np.moveaxis(exclude.reshape(grouped.shape), 1, 2)
    values[left_out] = np.inf  # sorts to the end; the middle of what is left is found by its count
    values.sort(axis=2)
    count = group_size - left_out.sum(axis=2)
    upper = np.take_along_axis(values, np.minimum(count // 2, group_size - 1)[..., None], axis=2)[..., 0]
    lower = np.take_along_axis(values, np.maximum((count - 1) // 2, 0)[..., None], axis=2)[..., 0]
    enough = count >= MIN_CHANNELS
    return np.where(enough, (np.where(enough, lower, 0) + np.where(enough, upper, 0)) / 2, 0).astype(np.float32)


def bridge_shared_signal(median: np.ndarray, masked_share: np.ndarray) -> np.ndarray:
    """Return the groups' medians (groups, ticks) with a straight line where a track runs along the group's wires.

    There most channels hold signal at the same tick (``masked_share`` of more than a half), and before and after it what all
    of them share is the foot of the pulse, not noise.
    """
    shared = widened(masked_share > MAX_MASKED_SHARE, BRIDGE_TICKS, BRIDGE_TICKS)
    bridged, ticks = median.copy(), np.arange(median.shape[1])
    for group in np.flatnonzero(shared.any(axis=1) & ~shared.all(axis=1)):
        hidden = shared[group]
        bridged[group, hidden] = np.interp(ticks[hidden], ticks[~hidden], median[group, ~hidden])
    return bridged


def remove_coherent_noise(waveforms: np.ndarray, plane: Plane, bad: np.ndarray) -> np.ndarray:
    """Subtract from every channel the median of its board's group, signal left out of the median; float32 (channels, ticks),
    ADC.

    ``bad`` bool (channels,): channels that neither count nor are corrected.
    """
    group_size = plane.group_size
    mask = signal_mask(waveforms, SIGNAL_ADC * plane.adc_scale)
    median = group_median(waveforms, group_size, mask | bad[:, None])
    good = np.maximum((~bad).reshape(-1, group_size).sum(axis=1), 1)[:, None]
    in_signal = (mask & ~bad[:, None]).reshape(-1, group_size, waveforms.shape[1]).sum(axis=1)
    median = bridge_shared_signal(median, in_signal / good)
    cleaned = waveforms - np.repeat(median, group_size, axis=0)
    cleaned[bad] = 0
    return cleaned


def low_pass_without_coherent_noise(waveforms: np.ndarray, plane: Plane) -> np.ndarray:
    """Return the waveforms of a plane of good channels after both; float32 (channels, ticks), ADC."""
    return remove_coherent_noise(low_pass(waveforms, plane), plane, np.zeros(plane.n_channels, bool))
