"""Denoising: the noise-free waveform of every channel, and in the same pass regions of interest."""

from __future__ import annotations

from protodune.events.products import Output
from protodune.events.truth import rebinned
from protodune.tasks.labels import clean_waveforms, majority, true_regions_mask
from protodune.tasks.spec import LABEL_ADC_PER_COUNT, Label, Loss, Task

TASK = Task(
    name="denoise",
    head="denoised waveforms",
    outputs=(
        Output("denoised", "ADC", None),
        Output("charge", "electrons", 4.0),
        Output("charge_error", "electrons", 0.25),
        Output("regions", "score", 1 / 255, kind="u1", activation="sigmoid"),
    ),
    labels={
        "denoised": Label(clean_waveforms, rebinned, "i2", LABEL_ADC_PER_COUNT),
        "regions": Label(true_regions_mask, majority, "u1"),
    },
    losses={
        "denoised": Loss(("huber", "mse", "imae", "ssim", "ssim_l1", "ssim_l2"), "mse", "ADC²"),
        "regions": Loss(("cross_entropy", "bce", "softdice", "bce_dice"), "cross_entropy", "", weight=0.2),
    },
    derived={"charge_of_waveforms": ("charge", "charge_error")},
    measures=(
        "waveforms",
        "charge",
        "electrons",
        "electron_errors",
        "electrons_by_angle",
        "regions",
        "distributions",
        "ionisation",
        "labels",
        "dunedn",
    ),
)
