"""DUNEdn's own metrics beside ours, before and after its cut, for its reproduction only; good channels only."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from protodune.events.truth import LABEL_ADC
from protodune.measure.dunedn import above, dunedn_metrics
from protodune.measure.spec import Measure, Measured, Metric, Subject
from protodune.measure.waveforms import PEAK_ADC, imae, mse, psnr


def measured(subject: Subject) -> Iterator[Measured]:
    """Yield the metrics of a plane as they are and after DUNEdn's cut."""
    scale, family = subject.plane.adc_scale, subject.plane.family
    images = subject.output("denoised")[subject.rows], subject.clean[subject.rows]
    yield from metrics_by_cut(*images, PEAK_ADC[family] * scale, scale)


def metrics_by_cut(denoised: np.ndarray, clean: np.ndarray, peak_adc: float, adc_scale: float = 1.0) -> Iterator[Measured]:
    """Yield the metrics of the reproduction as they are and after DUNEdn's cut (limits 0 and 3.5): ours, the mean error of
    the absolute area per channel, and DUNEdn's own.  Images float (channels, ticks), ADC."""
    for cut in (0.0, LABEL_ADC * adc_scale):
        image = above(denoised, cut)
        area = np.abs(image).sum(axis=1, dtype=np.float64) - np.abs(clean).sum(axis=1, dtype=np.float64)
        values = {
            "mse": mse(image, clean),
            "psnr": psnr(image, clean, peak_adc),
            "imae": imae(image, clean),
            "absolute_area_mae": float(np.abs(area).mean()),
        }
        values |= {f"dunedn_{name}": value for name, value in dunedn_metrics(image, clean).items()}
        for name, value in values.items():
            yield Measured(f"{name}_by_cut", value, "all", cut, cut)


MEASURE = Measure(
    name="dunedn",
    level="details",
    needs=("denoised",),
    metrics=(
        Metric("mse_by_cut", "MSE", "ADC²"),
        Metric("psnr_by_cut", "PSNR, fixed peak", "dB"),
        Metric("imae_by_cut", "iMAE", "ADC tick"),
        Metric("absolute_area_mae_by_cut", "MAE of |area|", "ADC tick"),
        Metric("dunedn_ssim_by_cut", "statSSIM (DUNEdn)"),
        Metric("dunedn_psnr_by_cut", "PSNR, peak of the image (DUNEdn)", "dB"),
        Metric("dunedn_mse_by_cut", "MSE", "ADC²"),
        Metric("dunedn_imae_by_cut", "iMAE", "ADC tick"),
    ),
    run=measured,
)
