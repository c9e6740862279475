import numpy as np

from protodune.measure.known.labels import regions_by_label


def by_bin(measured, metric):
    return {m.low: m.value for m in measured if m.metric == metric}


def one(measured, metric):
    return next(m.value for m in measured if m.metric == metric)


def test_regions_by_label():
    clean = np.array([[0.0, 1.0, 4.0, 8.0]])
    bins = list(regions_by_label(np.array([[False, True, True, True]]), clean))
    assert by_bin(bins, "sensitivity_by_label")[3.5] == 1
    assert by_bin(bins, "specificity_by_label")[3.5] == 0.5
    assert by_bin(bins, "specificity_by_label")[0] == 1
    shares = [one(bins, f"{k}_share") for k in ("true_positive", "false_positive", "false_negative", "true_negative")]
    assert shares == [0.5, 0.25, 0, 0.25]
