"""What DUNEdn reports: its own metrics before and after its cut, and its confusion shares."""

from __future__ import annotations

from protodune.measure.known import dunedn, labels
from protodune.measure.spec import Metric

BY_CUT: list[Metric] = [
    dunedn.MEASURE.metric(name)
    for name in (
        "dunedn_ssim_by_cut",
        "dunedn_psnr_by_cut",
        "dunedn_mse_by_cut",
        "dunedn_imae_by_cut",
        "psnr_by_cut",
        "absolute_area_mae_by_cut",
    )
]
SHARES: list[Metric] = [
    labels.MEASURE.metric(name)
    for name in (
        "true_positive_share",
        "false_positive_share",
        "false_negative_share",
        "true_negative_share",
        "region_auc_by_waveform",
    )
]
COLUMNS = ("detector", "task", "step", "family", "method", "cut_adc", "metric", "unit", "value", "error", "events")


def reproduction_rows(details: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the rows of averaged details that the reproduction shows (``COLUMNS``)."""
    wanted = {m.name for m in (*BY_CUT, *SHARES)}
    return [r | {"cut_adc": r["low"]} for r in details if r["metric"] in wanted]
