"""Classical methods: sequences of steps from the digits of a plane to denoised waveforms, charge and regions of interest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import uniform_filter

from protodune.classical.coherent import low_pass, remove_coherent_noise
from protodune.classical.cut import apply_cut
from protodune.classical.deconvolution import convolve, deconvolve
from protodune.classical.roi import RoiSettings, find_regions, measured_charge, noise_rms, threshold_roi
from protodune.classical.sticky import mend_sticky_codes
from protodune.classical.tails import restore_baseline
from protodune.core.errors import ProtoduneError, suggest
from protodune.detector.geometry import PLANES
from protodune.events.products import PlaneProduct
from protodune.events.regions import from_runs, runs


@dataclass(frozen=True)
class MethodSettings:
    """The steps of a method, in order, and what they may need: ``cut_adc``, up to which a sample's size becomes zero;
    ``wiener_size`` of the window in pixels; ``threshold_sigma`` and ``threshold_min_adc`` of the threshold regions;
    ``roi`` of those on deconvolved charge; ``extend_before`` and ``extend_after`` ticks around regions in which waveforms
    are kept."""

    steps: tuple[str, ...] = ()
    cut_adc: float = 0.0
    wiener_size: int = 5
    threshold_sigma: float = 4.0
    threshold_min_adc: float = 0.0
    extend_before: int = 0
    extend_after: int = 0
    roi: RoiSettings = field(default_factory=RoiSettings)

    def __post_init__(self):
        for step in self.steps:
            if step not in STEPS:
                raise ProtoduneError(f"steps: found '{step}', expected {' | '.join(STEPS)}{suggest(step, list(STEPS))}")
        if "sticky" in self.steps[1:]:
            raise ProtoduneError("steps: 'sticky' looks at the codes as they were read; expected it first")


@dataclass
class PlaneReadout:
    """What a method gets: name of the plane, ``adc`` int16 (channels, ticks), ``waveforms`` float32 of the same shape
    without pedestal, ``bad`` bool (channels,)."""

    plane: str
    adc: np.ndarray
    waveforms: np.ndarray
    bad: np.ndarray


Step = Callable[[PlaneProduct, PlaneReadout, MethodSettings, int], None]


def wiener(waveforms: np.ndarray, size: int) -> np.ndarray:
    """Return the waveforms after the adaptive Wiener filter in windows of ``size`` x ``size`` pixels (Lim, 1990): towards
    the local mean where the local variance is that of the noise, which is the median of the local variances."""
    mean = uniform_filter(waveforms, size, mode="reflect")
    variance = np.maximum(uniform_filter(waveforms**2, size, mode="reflect") - mean**2, 0)
    noise = np.median(variance[:: max(1, len(variance) // 100)])
    gain = np.maximum(variance - noise, 0) / np.maximum(np.maximum(variance, noise), 1e-12)
    return (mean + gain * (waveforms - mean)).astype(np.float32)


def _sticky(state: PlaneProduct, readout: PlaneReadout, settings: MethodSettings, workers: int) -> None:
    state.denoised = mend_sticky_codes(state.denoised, readout.adc, readout.bad)


def _tails(state: PlaneProduct, readout: PlaneReadout, settings: MethodSettings, workers: int) -> None:
    state.denoised = restore_baseline(state.denoised, readout.plane)


def _low_pass(state: PlaneProduct, readout: PlaneReadout, settings: MethodSettings, workers: int) -> None:
    state.denoised = low_pass(state.denoised, workers)


def _coherent(state: PlaneProduct, readout: PlaneReadout, settings: MethodSettings, workers: int) -> None:
    state.denoised = remove_coherent_noise(state.denoised, PLANES[readout.plane].group_size, readout.bad)


def _wiener(state: PlaneProduct, readout: PlaneReadout, settings: MethodSettings, workers: int) -> None:
    state.denoised = wiener(state.denoised, settings.wiener_size)


def _cut(state: PlaneProduct, readout: PlaneReadout, settings: MethodSettings, workers: int) -> None:
    state.denoised = apply_cut(state.denoised, settings.cut_adc)


def _zeros(state: PlaneProduct, readout: PlaneReadout, settings: MethodSettings, workers: int) -> None:
    state.denoised = np.zeros_like(state.denoised)


def _threshold_roi(state: PlaneProduct, readout: PlaneReadout, settings: MethodSettings, workers: int) -> None:
    threshold = np.maximum(settings.threshold_sigma * noise_rms(state.denoised), settings.threshold_min_adc)
    state.roi = threshold_roi(state.denoised, threshold[:, None])


def _deconvolve(state: PlaneProduct, readout: PlaneReadout, settings: MethodSettings, workers: int) -> None:
    images = deconvolve(state.denoised, readout.plane, workers)
    state.roi = find_regions(images, readout.plane, settings.roi)
    state.charge = measured_charge(images, state.roi, settings.roi)


def _reconvolve(state: PlaneProduct, readout: PlaneReadout, settings: MethodSettings, workers: int) -> None:
    if state.charge is None:
        raise ProtoduneError("steps: 'reconvolve' needs charge; expected 'deconvolve' before it")
    state.denoised = convolve(state.charge, readout.plane, workers)


def _in_regions(state: PlaneProduct, readout: PlaneReadout, settings: MethodSettings, workers: int) -> None:
    if state.roi is None:
        raise ProtoduneError("steps: 'in_regions' needs regions; expected 'threshold_roi' or 'deconvolve' before it")
    row, begin, end = runs(state.roi)
    kept = from_runs(row, begin - settings.extend_before, end + settings.extend_after, state.roi.shape)
    state.denoised = np.where(kept, state.denoised, 0)


STEPS: dict[str, Step] = {
    "sticky": _sticky,
    "tails": _tails,
    "low_pass": _low_pass,
    "coherent": _coherent,
    "wiener": _wiener,
    "cut": _cut,
    "zeros": _zeros,
    "threshold_roi": _threshold_roi,
    "deconvolve": _deconvolve,
    "reconvolve": _reconvolve,
    "in_regions": _in_regions,
}


def run_method(settings: MethodSettings, readout: PlaneReadout, workers: int = 1) -> PlaneProduct:
    """Run the steps of a method on one plane; bad channels come out as zero."""
    if not np.isfinite(readout.waveforms).all():
        raise ProtoduneError(f"plane {readout.plane}: the waveforms hold NaN or infinity; expected digits less a pedestal")
    state = PlaneProduct(readout.waveforms.astype(np.float32, copy=True))
    state.denoised[readout.bad] = 0
    for step in settings.steps:
        STEPS[step](state, readout, settings, workers)
    for image in state.images().values():
        image[readout.bad] = 0
    return state
