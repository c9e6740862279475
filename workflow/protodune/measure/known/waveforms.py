"""Agreement of denoised with noise-free waveforms, on all channels and on those that look at the drift volume."""

from __future__ import annotations

from collections.abc import Iterator

from protodune.measure.spec import Measure, Measured, Metric, Subject
from protodune.measure.waveforms import LABEL_ADC, PEAK_ADC, imae, mse, psnr, signal_bias, ssim


def measured(subject: Subject) -> Iterator[Measured]:
    """Yield the errors of the waveforms by subset of channels; iMAE on collection only, where areas do not cancel."""
    scale = subject.plane.adc_scale
    peak = PEAK_ADC[subject.plane.family] * scale
    for channels, rows in subject.subsets.items():
        denoised, clean = subject.output("denoised")[rows], subject.clean[rows]
        yield Measured("mse", mse(denoised, clean), channels)
        yield Measured("psnr", psnr(denoised, clean, peak), channels)
        yield Measured("ssim", ssim(denoised, clean, peak), channels)
        yield Measured("signal_bias", signal_bias(denoised, clean, LABEL_ADC * scale), channels)
        if subject.plane.collects:
            yield Measured("imae", imae(denoised, clean), channels)


MEASURE = Measure(
    name="waveforms",
    level="scores",
    needs=("denoised",),
    metrics=(
        Metric("mse", "MSE", "ADC²", axis="mean squared error", headline=True),
        Metric("psnr", "PSNR", "dB", headline=True),
        Metric("ssim", "SSIM", headline=True),
        Metric("signal_bias", "amplitude bias"),
        Metric("imae", "iMAE", "ADC tick", headline=True),
    ),
    run=measured,
)
