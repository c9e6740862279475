import math

import numpy as np
import pytest

from protodune.measure.average import all_keys, average_rows, averaged_columns, mean_over_events


def test_errors_are_by_event():
    # Two images of event 1 count as one measurement.
    mean, error, n = mean_over_events([1.0, 3.0, 6.0], ["a", "a", "b"])
    assert (mean, n) == (4.0, 2)
    assert error == pytest.approx(np.std([2, 6], ddof=1) / math.sqrt(2))
    assert math.isnan(mean_over_events([1.0], ["a"])[1])
    assert mean_over_events([], [])[2] == 0


def row(event, value, **more):
    return {"method": "raw", "sample": "s", "run": "1", "subrun": "0", "event": event, "value": value, **more}


def test_rows_are_averaged_by_key():
    rows = [row("1", "2"), row("2", "4"), row("1", "7", method="cut")]
    found = average_rows(rows, ["method"])
    assert [(r["method"], r["value"], r["error"], r["events"]) for r in found[:1]] == [("raw", 3.0, 1.0, 2)]
    assert found[1]["events"] == 1
    assert math.isnan(found[1]["error"])


def test_detector_task_step_and_unit_always_count():
    columns = ["detector", "task", "step", "method", "metric", "unit", "value"]
    assert all_keys(columns, ["method", "metric"]) == ["detector", "task", "step", "method", "metric", "unit"]
    assert all_keys(columns, ["detector", "task", "step", "metric", "unit"]) == [
        "detector",
        "task",
        "step",
        "metric",
        "unit",
    ]
    assert all_keys(["method"], ["method"]) == ["method"], "tables without those columns"
    rows = [row("1", "2", step=step, task="t") for step in ("denoise", "again")]
    assert len(average_rows(rows, all_keys(rows[0], ["method"]))) == 2, "two steps are never averaged"


def test_columns_of_averages():
    assert averaged_columns(["method"], ["value"]) == ["method", "value", "error", "events"]
    assert averaged_columns([], ["raw", "denoised"]) == ["raw", "raw_error", "denoised", "denoised_error", "events"]
